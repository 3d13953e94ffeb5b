"""The imperative shell: it carries events to the core and actions out of it, and decides nothing."""
