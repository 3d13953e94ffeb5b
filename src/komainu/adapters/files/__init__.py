"""What Komainu keeps on the node's own disk."""
