"""A stand-alone witness for the request log of one or more hubs: specs/05-log.md §10."""
