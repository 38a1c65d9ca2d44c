"""The pages of the hub's operator, one module a part of the office."""
