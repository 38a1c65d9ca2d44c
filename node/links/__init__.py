"""Links to other agencies' stubs: the team, link secrets, what people say of a link."""
