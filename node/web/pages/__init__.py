"""The pages that the agency's people sign in to, over the same actions and views as commands."""
