-- When this key holder first saw each member, by its witnesses' time: late ones wait. Members that a
-- database from before this table knows have no row: they were there.
CREATE TABLE member_seen (party_id TEXT PRIMARY KEY, seen_at INTEGER NOT NULL);

-- Until when this key holder evaluates for nobody (Unix seconds): it was put back from a backup, and
-- what was used since is not in the log yet.
CREATE TABLE closed (id INTEGER PRIMARY KEY CHECK (id = 1), until INTEGER NOT NULL);
