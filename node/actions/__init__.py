"""What a person can have done, from a command, the local API or a browser. No terminal here."""
