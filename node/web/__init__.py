"""The node's HTTP interfaces for its own people and programs."""
