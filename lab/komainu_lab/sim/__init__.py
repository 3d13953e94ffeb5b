"""The simulator: the real core and replicas on a simulated bus and simulated machines, with faults by seed.

One seed is one history. It decides everything, so that a failing history can be repeated with `make sim SEED=n`.
"""
