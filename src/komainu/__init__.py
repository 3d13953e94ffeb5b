"""Komainu: high-availability clusters on Linux, on AWS and on premises.

The two guardian dogs before a shrine: one speaks, one is silent, and neither leaves its post.
`docs/architecture.md` is the picture of the parts in this package and of the direction of their imports.
"""

__version__ = "0.1.0"
