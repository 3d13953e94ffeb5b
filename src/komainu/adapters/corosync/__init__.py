"""Corosync: heartbeat, membership and total order, written by others in C. Python never decides who is alive."""
