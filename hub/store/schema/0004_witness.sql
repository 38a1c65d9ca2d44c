-- Every note that was published, heartbeats included, and late lines over earlier checkpoints.
CREATE TABLE note (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    size INTEGER NOT NULL,
    note BLOB NOT NULL
);
CREATE INDEX note_by_size ON note (size, seq);
-- Since when no contact details can move, while they cannot; and whether the operator was told.
CREATE TABLE closed (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    since INTEGER NOT NULL,
    alarmed INTEGER NOT NULL DEFAULT 0
);
