-- A publication is applied in slices, each a transaction of its own: what was checked waits here
-- until the manifest is logged, and what was logged until all of it is in force.
ALTER TABLE upload ADD COLUMN state TEXT NOT NULL DEFAULT 'waiting'
    CHECK (state IN ('waiting', 'logged', 'dropped'));
-- Where the manifest stands in the log.
ALTER TABLE upload ADD COLUMN idx INTEGER;
CREATE TABLE staged_stub (
    publication TEXT NOT NULL,
    stub_id TEXT NOT NULL,
    agency TEXT NOT NULL,
    revision INTEGER NOT NULL,
    retired INTEGER NOT NULL,
    involvements TEXT NOT NULL,
    next_expiry INTEGER,
    token_commitment TEXT NOT NULL,
    new_tokens INTEGER NOT NULL, -- the commitment is another one than was published last
    counted INTEGER NOT NULL, -- and that is a change which the charter limits
    PRIMARY KEY (publication, stub_id)
) WITHOUT ROWID;
CREATE INDEX staged_stub_by_stub ON staged_stub (stub_id);
CREATE TABLE staged_token (
    publication TEXT NOT NULL,
    stub_id TEXT NOT NULL,
    match_key_id TEXT NOT NULL,
    ordinal INTEGER NOT NULL,
    token BLOB NOT NULL,
    PRIMARY KEY (publication, stub_id, match_key_id, ordinal)
) WITHOUT ROWID;
CREATE INDEX staged_token_by_token ON staged_token (publication, token)
