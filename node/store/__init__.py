"""The node's tables: the only place of the node that holds SQL."""
