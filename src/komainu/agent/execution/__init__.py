"""What this node does and looks at: starts, stops, probes, scripts, checks."""
