"""Linux: addresses and processes of this machine."""
