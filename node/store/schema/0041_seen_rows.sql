-- Rows of a feed that changed nothing when they were judged last: hashes of their cells and of what
-- is here of their client, and some numbers (node/records/importer/seen.py).
CREATE TABLE seen_row (
    client INTEGER NOT NULL REFERENCES client (id),
    feed TEXT NOT NULL, -- the title of the mapping
    place INTEGER NOT NULL, -- among the rows of the file about this client
    packed BLOB NOT NULL,
    PRIMARY KEY (client, feed, place)
) WITHOUT ROWID;
