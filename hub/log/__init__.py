"""The hub's request log: sequencing, tiles and checkpoints: specs/05-log.md."""
