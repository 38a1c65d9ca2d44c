"""What a node does that came back from a backup (specs/05-log.md §16)."""
