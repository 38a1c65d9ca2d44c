-- The hub's tables. No client data, no raw token, no contact detail is ever stored here.
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
-- The request log: leaves in order. Payloads live beside them so that they can die first.
CREATE TABLE entry (
    idx INTEGER PRIMARY KEY,
    leaf BLOB NOT NULL,
    statement_id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    sender TEXT NOT NULL,
    nonce TEXT NOT NULL,
    iat INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    UNIQUE (sender, nonce)
);
CREATE INDEX entry_by_sender ON entry (sender, kind, iat);
CREATE TABLE payload (
    idx INTEGER PRIMARY KEY REFERENCES entry (idx),
    salt BLOB NOT NULL,
    envelope BLOB NOT NULL
);
CREATE TABLE evidence (
    idx INTEGER NOT NULL REFERENCES entry (idx),
    part INTEGER NOT NULL,
    data BLOB NOT NULL,
    PRIMARY KEY (idx, part)
);
CREATE TABLE head (id INTEGER PRIMARY KEY CHECK (id = 1), size INTEGER NOT NULL, note BLOB NOT NULL);
CREATE TABLE charter_document (hash TEXT PRIMARY KEY, document BLOB NOT NULL);
CREATE TABLE invitation (
    code_hash TEXT PRIMARY KEY,
    expires INTEGER NOT NULL,
    used_by TEXT
);
CREATE TABLE applicant (
    party_id TEXT PRIMARY KEY,
    envelope BLOB NOT NULL,
    applied_at INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'approved', 'rejected', 'member'))
);
CREATE TABLE rejection_count (
    sender TEXT NOT NULL,
    day INTEGER NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (sender, day)
);
CREATE TABLE upload (
    statement_id TEXT PRIMARY KEY,
    agency TEXT NOT NULL,
    envelope BLOB NOT NULL,
    received_at INTEGER NOT NULL
);
CREATE TABLE upload_chunk (
    statement_id TEXT NOT NULL REFERENCES upload (statement_id) ON DELETE CASCADE,
    hash TEXT NOT NULL,
    data BLOB NOT NULL,
    PRIMARY KEY (statement_id, hash)
);
CREATE TABLE stub (
    stub_id TEXT PRIMARY KEY,
    agency TEXT NOT NULL,
    revision INTEGER NOT NULL,
    retired INTEGER NOT NULL,
    involvements TEXT NOT NULL,
    publication TEXT NOT NULL,
    next_expiry INTEGER
);
CREATE INDEX stub_by_expiry ON stub (next_expiry);
-- The primary key begins with the token: look-up by equality is all the matching there is.
CREATE TABLE token (
    token BLOB NOT NULL,
    stub_id TEXT NOT NULL,
    match_key_id TEXT NOT NULL,
    agency TEXT NOT NULL,
    ordinal INTEGER NOT NULL,
    since INTEGER NOT NULL, -- log index of the publication that first put this token here
    PRIMARY KEY (token, stub_id, match_key_id)
) WITHOUT ROWID;
CREATE INDEX token_by_stub ON token (stub_id);
CREATE TABLE dirty_stub (stub_id TEXT PRIMARY KEY);
CREATE TABLE link (
    link_id TEXT PRIMARY KEY,
    stub_a TEXT NOT NULL,
    stub_b TEXT NOT NULL,
    agency_a TEXT NOT NULL,
    agency_b TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('match', 'possible', 'ended')),
    round_id TEXT NOT NULL,
    notice_a TEXT,
    notice_b TEXT,
    UNIQUE (stub_a, stub_b)
);
CREATE INDEX link_by_b ON link (stub_b);
CREATE TABLE request (
    request_id TEXT PRIMARY KEY,
    statement_id TEXT NOT NULL UNIQUE,
    requester TEXT NOT NULL,
    holder TEXT NOT NULL,
    link_id TEXT NOT NULL,
    involvement_id TEXT NOT NULL,
    expires INTEGER NOT NULL,
    iat INTEGER NOT NULL,
    hub_decision TEXT NOT NULL,
    hub_outcome TEXT NOT NULL,
    decision TEXT,
    outcome TEXT,
    release TEXT,
    receipt TEXT
);
CREATE INDEX request_by_requester ON request (requester, iat);
CREATE TABLE mailbox (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    agency TEXT NOT NULL,
    idx INTEGER,
    salt BLOB,
    envelope BLOB NOT NULL,
    sealed BLOB,
    proof BLOB,
    delivered INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX mailbox_by_agency ON mailbox (agency, seq);
