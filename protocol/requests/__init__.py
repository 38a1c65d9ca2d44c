"""The decisions on requests, and what is sealed in them (specs/06-requests.md)."""
