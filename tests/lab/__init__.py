"""Real corosync, real packets, real processes, in network namespaces. A package, because its tests share one lab."""
