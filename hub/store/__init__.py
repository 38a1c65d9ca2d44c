"""The hub's tables: the only place of the hub that holds SQL."""
