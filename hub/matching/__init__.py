"""From publications to links: limits, candidates, classes, notices (specs/04-matching.md)."""
