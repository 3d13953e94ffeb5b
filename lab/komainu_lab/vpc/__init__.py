"""The emulated VPC: an EC2 API whose route tables, addresses and checks really steer packets in the router's namespace.

One process inside the router's network namespace holds all of it: moto with corrections, the HTTPS endpoint with its
faults, and the fabric. No code path in here knows which node is active: packets follow the emulated state alone.

- `topology` (one level up) says which machines exist; `build` makes their VPC in the emulated API.
- `launch.Vpc` starts the process and is the lab's hand on it.
"""
