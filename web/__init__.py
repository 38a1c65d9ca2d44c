"""What pages and reports share: pictures, markup, rows. Pure."""
