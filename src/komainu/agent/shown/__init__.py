"""The state in words, for people and for programs; and what would happen. Pure."""
