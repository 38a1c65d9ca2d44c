"""HTTP plumbing shared by the daemons: errors, limits, sending statements, following the log."""
