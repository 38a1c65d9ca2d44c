"""How well match-keys find people, beside linkers that see more, and what the keys give away."""
