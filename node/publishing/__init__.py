"""From clients to stubs at the hub: drafts, tokens, limits (specs/04-matching.md)."""
