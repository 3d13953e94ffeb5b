"""This node's right to act, its vote, and the end of its effects when the right ends (N2, N3)."""
