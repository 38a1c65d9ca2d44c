"""Identity checks, asked and answered (specs/06-requests.md §6)."""
