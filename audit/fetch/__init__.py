"""Copy a log: tiles, notes and payloads, from the hub to a case."""
