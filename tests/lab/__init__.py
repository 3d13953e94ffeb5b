"""Real corosync, real packets, real processes, in network namespaces. The folder is a package: its tests share a lab."""
