"""The key holder's daemon: the only part of keys that does I/O."""
