"""SQLite plumbing shared by node and hub: one writer, transactions, migrations. No tables."""
