"""CSV import, front half: read a file, map its columns, check each row. No database here."""
