"""The pages of the hub's operator: templates, words and handlers."""
