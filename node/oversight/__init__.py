"""Watching over the hub and over ourselves: monitor, gossip, the journal, governance."""
