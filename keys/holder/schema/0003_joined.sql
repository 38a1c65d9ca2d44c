-- When this key holder first saw each member, by its witnesses' time: late ones wait. Members that a
-- database from before this table knows have no row: they were there.
CREATE TABLE member_seen (party_id TEXT PRIMARY KEY, seen_at INTEGER NOT NULL);
