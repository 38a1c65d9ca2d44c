"""The hub as a running program: its routes, its background jobs, its status page."""
