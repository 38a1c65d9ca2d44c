"""What members send and get: intake, requests, identity checks, reviews, mailboxes."""
