-- What the charter's limits on publications count here too (specs/04-matching.md §10), so that the
-- node holds back what the hub would refuse.
CREATE TABLE former_token (
    hub_id TEXT NOT NULL,
    input_digest BLOB NOT NULL,
    stub_id TEXT NOT NULL,
    until INTEGER NOT NULL,
    PRIMARY KEY (hub_id, input_digest, stub_id)
) WITHOUT ROWID;
-- The tokens that a stub published last: their digest, the salt of their commitment, the charter.
CREATE TABLE stub_tokens (
    hub_id TEXT NOT NULL,
    stub_id TEXT NOT NULL,
    tokens_hash TEXT NOT NULL,
    salt TEXT NOT NULL,
    charter_version INTEGER NOT NULL,
    PRIMARY KEY (hub_id, stub_id)
) WITHOUT ROWID;
CREATE TABLE stub_change (hub_id TEXT NOT NULL, stub_id TEXT NOT NULL, at INTEGER NOT NULL);
CREATE INDEX stub_change_by_stub ON stub_change (hub_id, stub_id, at);
CREATE TABLE new_stubs (
    hub_id TEXT NOT NULL,
    day INTEGER NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (hub_id, day)
);
-- The charter version under which everything was published last.
CREATE TABLE published_under (hub_id TEXT PRIMARY KEY, version INTEGER NOT NULL);
