"""From `cluster.yaml` to a `Cluster`: every error at once, each with its line, its path and a remedy (C11)."""
