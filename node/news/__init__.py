"""What is new for our own people, and the mail that says that there is something."""
