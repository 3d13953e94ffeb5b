"""Kinds of notification: where alerts are sent besides the alert log (W5)."""
