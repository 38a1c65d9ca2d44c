"""The commands of patchwork-hub: parse, call, print."""
