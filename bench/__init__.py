"""Measurements against peers and against the physical limit. Ratios, never tests."""
