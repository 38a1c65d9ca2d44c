"""A whole council on one machine with invented people, as real processes."""
