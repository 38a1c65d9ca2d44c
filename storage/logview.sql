CREATE TABLE public_leaf (
    genesis TEXT NOT NULL,
    idx INTEGER NOT NULL,
    envelope BLOB NOT NULL,
    PRIMARY KEY (genesis, idx)
);
CREATE TABLE charter_document (hash TEXT PRIMARY KEY, document BLOB NOT NULL);
CREATE TABLE log_view (genesis TEXT PRIMARY KEY, frontier TEXT NOT NULL, note BLOB NOT NULL)
