"""What a person is shown, as values: for the terminal, the local API and a browser."""
