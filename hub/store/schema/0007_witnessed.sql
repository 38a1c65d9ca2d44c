-- The newest published checkpoint with a quorum: proofs hold under it also after a restart.
CREATE TABLE witnessed (
    id INTEGER PRIMARY KEY CHECK (id = 1), size INTEGER NOT NULL, note BLOB NOT NULL
);
