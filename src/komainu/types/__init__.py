"""Types of resources and monitors: one file each. They touch the world through ports and never decide."""
