"""AWS, by its SDK inside this process: no command is started for a call."""
