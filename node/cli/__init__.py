"""The commands of patchwork-node: parse, call, print."""
