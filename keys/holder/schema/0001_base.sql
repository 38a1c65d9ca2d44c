-- The key holder's books: what each agency had evaluated, which requests were seen, what was
-- reported. No point, token or identifier is ever stored.
CREATE TABLE meter (
    party_id TEXT NOT NULL,
    day INTEGER NOT NULL,
    evaluations INTEGER NOT NULL,
    PRIMARY KEY (party_id, day)
);
CREATE TABLE seen (nonce TEXT PRIMARY KEY, iat INTEGER NOT NULL);
CREATE TABLE reported (day INTEGER PRIMARY KEY);
CREATE TABLE public_leaf (
    genesis TEXT NOT NULL,
    idx INTEGER NOT NULL,
    envelope BLOB NOT NULL,
    PRIMARY KEY (genesis, idx)
);
CREATE TABLE charter_document (hash TEXT PRIMARY KEY, document BLOB NOT NULL);
CREATE TABLE log_view (genesis TEXT PRIMARY KEY, frontier TEXT NOT NULL, note BLOB NOT NULL);
