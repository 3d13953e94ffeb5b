"""The state that all members agree on: its messages, their order, and who takes part."""
