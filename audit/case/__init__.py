"""A case on disk: the copy of a log that everything else here reads."""
