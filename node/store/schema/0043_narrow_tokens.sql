-- A digest stands anywhere among the others, so that each token that is written costs a page of an
-- index. The narrower that is, the fewer pages there are, and the more often a commit writes one
-- once for several tokens: what is looked up by digest has an index of the digest alone. Rows are
-- appended. No index begins with the hub, so that none is taken for a walk through all its tokens.
CREATE TABLE token_cache_anew (
    id INTEGER PRIMARY KEY,
    hub_id TEXT NOT NULL,
    input_digest BLOB NOT NULL,
    sealed BLOB NOT NULL
);
INSERT INTO token_cache_anew (hub_id, input_digest, sealed)
SELECT hub_id, input_digest, sealed FROM token_cache;
DROP TABLE token_cache;
ALTER TABLE token_cache_anew RENAME TO token_cache;
CREATE INDEX token_cache_by_digest ON token_cache (input_digest);
CREATE TABLE published_token_anew (
    hub_id TEXT NOT NULL,
    stub_id TEXT NOT NULL,
    match_key_id TEXT NOT NULL,
    ordinal INTEGER NOT NULL,
    input_digest BLOB NOT NULL,
    PRIMARY KEY (stub_id, match_key_id, ordinal, hub_id)
);
INSERT INTO published_token_anew (hub_id, stub_id, match_key_id, ordinal, input_digest)
SELECT hub_id, stub_id, match_key_id, ordinal, input_digest FROM published_token;
DROP TABLE published_token;
ALTER TABLE published_token_anew RENAME TO published_token;
CREATE INDEX published_token_by_digest ON published_token (input_digest);
