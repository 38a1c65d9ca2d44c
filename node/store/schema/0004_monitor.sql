-- What a node has noticed of a hub and its log. No personal data: codes, indexes and ids.
CREATE TABLE alarm (
    id INTEGER PRIMARY KEY,
    hub_id TEXT NOT NULL,
    code TEXT NOT NULL,
    place TEXT NOT NULL,
    first_seen INTEGER NOT NULL,
    last_seen INTEGER NOT NULL,
    cleared_at INTEGER,
    acknowledged_at INTEGER,
    told INTEGER NOT NULL DEFAULT 0, -- the operator's command was run for it
    UNIQUE (hub_id, code, place)
);
-- Two signed notes that contradict each other, verbatim. Never deleted.
CREATE TABLE evidence (
    hub_id TEXT NOT NULL,
    digest TEXT NOT NULL,
    held BLOB NOT NULL,
    served BLOB NOT NULL,
    seen_at INTEGER NOT NULL,
    PRIMARY KEY (hub_id, digest)
);
-- Up to where a person has been told of new members, keys and charters.
CREATE TABLE watched (
    hub_id TEXT PRIMARY KEY, told_size INTEGER NOT NULL, no_quorum_since INTEGER
);
-- What was received or published and must be in the log at its index; goes once it was seen there.
CREATE TABLE received_entry (
    hub_id TEXT NOT NULL,
    idx INTEGER NOT NULL,
    statement_id TEXT NOT NULL,
    salt TEXT NOT NULL,
    envelope BLOB NOT NULL,
    promised_at INTEGER NOT NULL,
    PRIMARY KEY (hub_id, idx, statement_id)
)
