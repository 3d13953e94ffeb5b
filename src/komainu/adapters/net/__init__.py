"""What is said on the wire without the help of the kernel."""
