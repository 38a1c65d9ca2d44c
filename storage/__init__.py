"""Databases: the promise of an engine, SQLite behind it, and the tables of a followed log."""
