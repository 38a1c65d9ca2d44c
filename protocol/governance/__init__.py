"""The charter, who is who, and how both change (specs/02-charter.md)."""
