"""Check a copy of a log: tree, signatures, payloads, erasures."""
