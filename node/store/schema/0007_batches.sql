-- An involvement's id is never used again: stub_involvement and requests keep it, and an import
-- deletes and inserts many at once. The table is made anew to say so; the columns are as they were.
CREATE TABLE involvement_anew (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    client INTEGER NOT NULL REFERENCES client (id),
    type TEXT NOT NULL,
    label TEXT,
    practitioner INTEGER REFERENCES practitioner (id),
    permission_basis TEXT,
    valid_until INTEGER,
    consent_date TEXT,
    withdrawn_at INTEGER,
    for_unborn TEXT, -- the agency's own id of a child not yet born; the client is its mother
    UNIQUE (client, type, for_unborn)
);
INSERT INTO involvement_anew SELECT * FROM involvement;
DROP TABLE involvement;
ALTER TABLE involvement_anew RENAME TO involvement;
DELETE FROM sqlite_sequence WHERE name = 'involvement';
INSERT INTO sqlite_sequence (name, seq) SELECT 'involvement', COALESCE(MAX(id), 0) FROM (
    SELECT id FROM involvement UNION ALL SELECT involvement FROM stub_involvement
    UNION ALL SELECT involvement FROM received_request
);
CREATE INDEX involvement_by_child ON involvement (for_unborn);
-- Holders of a token are looked up for a page at a time, from the index alone. It begins with the
-- token, so that a look-up by stub is never a walk through all of a hub's tokens.
DROP INDEX published_token_by_digest;
CREATE INDEX published_token_by_digest ON published_token (input_digest, hub_id, stub_id);
CREATE INDEX former_token_by_end ON former_token (hub_id, until);
CREATE INDEX publication_by_state ON publication (hub_id, state, sequence);
