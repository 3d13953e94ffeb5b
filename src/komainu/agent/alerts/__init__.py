"""What the administrator is to know: kept, told to the other nodes, sent to where he wants it (W5)."""
