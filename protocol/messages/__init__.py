"""Statements: every kind, its body and its envelope (specs/01-statements.md)."""
