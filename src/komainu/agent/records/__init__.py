"""What happened and why: written down, gone through again, told as a report."""
