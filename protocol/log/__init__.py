"""The log's public formats: tree, tiles, notes, checkpoints, proofs (specs/05-log.md)."""
