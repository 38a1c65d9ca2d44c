"""People decide: the review queue, identity checks, recalled cards, duplicates, and their API."""
