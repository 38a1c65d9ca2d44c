-- What the limits on publications count (specs/04-matching.md §10). A token that left a stub is
-- still counted there until `until`.
CREATE TABLE former_token (
    token BLOB NOT NULL,
    stub_id TEXT NOT NULL,
    agency TEXT NOT NULL,
    until INTEGER NOT NULL,
    since INTEGER NOT NULL, -- log index at which the agency came by it
    PRIMARY KEY (token, stub_id)
) WITHOUT ROWID;
CREATE INDEX former_token_by_until ON former_token (until);
-- The commitment to the tokens that a stub published last, and the charter it did so under.
CREATE TABLE stub_tokens (
    stub_id TEXT PRIMARY KEY,
    token_commitment TEXT NOT NULL,
    charter_version INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE stub_change (stub_id TEXT NOT NULL, at INTEGER NOT NULL);
CREATE INDEX stub_change_by_stub ON stub_change (stub_id, at);
CREATE TABLE new_stubs (
    agency TEXT NOT NULL,
    day INTEGER NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (agency, day)
);
