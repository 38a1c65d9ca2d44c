"""What an auditor hands on: the report, its figures, a bundle and a sample."""
