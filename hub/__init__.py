"""The council: members, matching, brokering and the request log. Never learns who a client is."""
