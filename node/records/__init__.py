"""The agency's own clients and involvements, and what is imported into them."""
