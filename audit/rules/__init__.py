"""Decide everything again: what the statements of a log say, by the rules of its charter."""
