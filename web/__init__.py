"""What pages and reports share: pictures. Pure."""
