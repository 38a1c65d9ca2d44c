-- Rows of tokens are written once, where they stay, under the number of the try that brings them.
-- They count from the moment at which the publication is logged; a try that was given up goes bit by
-- bit, and its number last.
CREATE TABLE publication (
    number INTEGER PRIMARY KEY,
    statement_id TEXT NOT NULL,
    idx INTEGER -- where it stands in the log; until then nothing under its number counts
);
CREATE INDEX publication_not_logged ON publication (number) WHERE idx IS NULL;
-- Who applies an upload does so under this number, and nobody who began before.
ALTER TABLE upload DROP COLUMN turn;
ALTER TABLE upload ADD COLUMN number INTEGER;
-- What is logged and was interrupted goes on. What waits has chunks of another form: its agency hears
-- that it is not here, and sends it again.
UPDATE upload SET state = 'dropped' WHERE state = 'waiting';
INSERT INTO publication (number, statement_id, idx)
    SELECT ROW_NUMBER() OVER (ORDER BY idx), statement_id, idx FROM upload WHERE state = 'logged';
UPDATE upload SET number = (
    SELECT p.number FROM publication p WHERE p.statement_id = upload.statement_id
) WHERE state = 'logged';
CREATE TABLE placed_token (
    token BLOB NOT NULL,
    stub_id TEXT NOT NULL,
    match_key_id TEXT NOT NULL,
    put_by INTEGER NOT NULL, -- the publication; of a stub's sets that count, the newest is its own
    agency TEXT NOT NULL,
    ordinal INTEGER NOT NULL,
    since INTEGER, -- log index at which the agency came by it; NULL: with this very publication
    PRIMARY KEY (token, stub_id, match_key_id, put_by)
) WITHOUT ROWID;
INSERT INTO placed_token
    SELECT token, stub_id, match_key_id, 0, agency, ordinal, since FROM token ORDER BY token;
INSERT INTO placed_token
    SELECT n.token, n.stub_id, n.match_key_id, u.number, u.agency, n.ordinal, (
        SELECT MIN(had.since) FROM (
            SELECT token, agency, since FROM token UNION ALL
            SELECT token, agency, since FROM former_token
        ) AS had WHERE had.token = n.token AND had.agency = u.agency
    ) FROM staged_token n JOIN upload u ON u.statement_id = n.publication WHERE u.state = 'logged';
DROP TABLE token;
ALTER TABLE placed_token RENAME TO token;
CREATE INDEX token_by_stub ON token (stub_id);
DROP TABLE staged_token;
CREATE TABLE arriving_stub (
    put_by INTEGER NOT NULL,
    stub_id TEXT NOT NULL,
    agency TEXT NOT NULL,
    revision INTEGER NOT NULL,
    retired INTEGER NOT NULL,
    involvements TEXT NOT NULL,
    next_expiry INTEGER,
    token_commitment TEXT NOT NULL,
    new_tokens INTEGER NOT NULL, -- the commitment is another one than was published last
    counted INTEGER NOT NULL, -- and that is a change which the charter limits
    PRIMARY KEY (put_by, stub_id)
) WITHOUT ROWID;
INSERT INTO arriving_stub
    SELECT u.number, n.stub_id, n.agency, n.revision, n.retired, n.involvements, n.next_expiry,
        n.token_commitment, n.new_tokens, n.counted
    FROM staged_stub n JOIN upload u ON u.statement_id = n.publication WHERE u.state = 'logged';
DROP TABLE staged_stub;
ALTER TABLE arriving_stub RENAME TO staged_stub;
CREATE INDEX staged_stub_by_stub ON staged_stub (stub_id)
