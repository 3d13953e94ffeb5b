"""How it is proven that another node is gone: the stores of the third vote, and what fences a node (N3)."""
