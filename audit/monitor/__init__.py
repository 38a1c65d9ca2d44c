"""Watch a log over time from outside, and say what changed."""
