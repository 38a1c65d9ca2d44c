"""This agency at one hub: keys, joining, the charter, the outbox, rotation, a successor log."""
