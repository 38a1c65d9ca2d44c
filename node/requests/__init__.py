"""Requests for contact details, asked and answered (specs/06-requests.md)."""
