"""The lab: namespaces as nodes, an emulated VPC whose packets follow the emulated route tables, the simulator.

A development distribution: it is never installed on a production node.
"""
