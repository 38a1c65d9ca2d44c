"""Match keys, specs/04-matching.md: how client records become comparable without being shown."""
