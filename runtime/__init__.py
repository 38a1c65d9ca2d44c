"""What every program needs to run: clock and randomness, settings, secrets, alarms, exit codes."""
