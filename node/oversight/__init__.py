"""Watching over the hub and over ourselves: monitor, gossip, the journal of the log."""
