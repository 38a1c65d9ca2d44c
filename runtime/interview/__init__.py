"""Leading a person through a set-up: questions, answers that are kept, files that others send."""
