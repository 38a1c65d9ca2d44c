-- One agency's own data. Rows that concern a hub carry the hub's id (its charter id).
CREATE TABLE client (
    id INTEGER PRIMARY KEY,
    local_id TEXT NOT NULL UNIQUE,
    nhs_number TEXT,
    given TEXT,
    middle TEXT,
    family TEXT,
    date_of_birth TEXT,
    sex TEXT,
    address TEXT,
    postcode TEXT,
    row_hash TEXT NOT NULL
);
CREATE TABLE practitioner (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    role TEXT,
    phone TEXT,
    email TEXT,
    team TEXT NOT NULL,
    UNIQUE (name, team)
);
-- permission_basis NULL: stored, never published. There is no default.
CREATE TABLE involvement (
    id INTEGER PRIMARY KEY,
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
CREATE TABLE hub (
    hub_id TEXT PRIMARY KEY,
    url TEXT NOT NULL,
    name TEXT NOT NULL,
    genesis TEXT NOT NULL,
    party_id TEXT NOT NULL,
    enrolment BLOB NOT NULL,
    generation TEXT,
    cursor INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE hub_practitioner (
    hub_id TEXT NOT NULL,
    practitioner INTEGER NOT NULL,
    practitioner_id TEXT NOT NULL,
    PRIMARY KEY (hub_id, practitioner)
);
CREATE TABLE stub (
    hub_id TEXT NOT NULL,
    client INTEGER NOT NULL,
    stub_id TEXT NOT NULL UNIQUE,
    revision INTEGER NOT NULL,
    published_hash TEXT NOT NULL,
    retired INTEGER NOT NULL,
    PRIMARY KEY (hub_id, client)
);
CREATE TABLE stub_involvement (
    hub_id TEXT NOT NULL,
    involvement INTEGER NOT NULL,
    involvement_id TEXT NOT NULL UNIQUE,
    salt TEXT NOT NULL,
    PRIMARY KEY (hub_id, involvement)
);
-- Tokens and link secrets, sealed under the node's cache key; input_digest is keyed too.
CREATE TABLE token_cache (
    hub_id TEXT NOT NULL,
    input_digest BLOB NOT NULL,
    sealed BLOB NOT NULL,
    PRIMARY KEY (hub_id, input_digest)
) WITHOUT ROWID;
-- Which cached token stands where in a stub's published list.
CREATE TABLE published_token (
    hub_id TEXT NOT NULL,
    stub_id TEXT NOT NULL,
    match_key_id TEXT NOT NULL,
    ordinal INTEGER NOT NULL,
    input_digest BLOB NOT NULL,
    PRIMARY KEY (hub_id, stub_id, match_key_id, ordinal)
);
CREATE INDEX published_token_by_digest ON published_token (hub_id, input_digest);
CREATE TABLE publication (
    hub_id TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    statement_id TEXT NOT NULL,
    envelope BLOB NOT NULL,
    chunks TEXT NOT NULL,
    effects TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'applied')),
    PRIMARY KEY (hub_id, sequence)
);
CREATE TABLE link (
    hub_id TEXT NOT NULL,
    link_id TEXT NOT NULL,
    stub_id TEXT NOT NULL,
    state TEXT NOT NULL,
    agency_id TEXT,
    involvements TEXT NOT NULL,
    evidence TEXT,
    round_id TEXT NOT NULL,
    PRIMARY KEY (hub_id, link_id)
);
CREATE INDEX link_by_stub ON link (hub_id, stub_id);
CREATE TABLE sent_request (
    hub_id TEXT NOT NULL,
    request_id TEXT NOT NULL,
    client INTEGER NOT NULL,
    holder TEXT NOT NULL,
    asked_at INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    statement_id TEXT,
    state TEXT NOT NULL,
    code TEXT,
    field TEXT,
    decision_id TEXT,
    decision_index INTEGER,
    decision_salt TEXT,
    decision_envelope BLOB,
    card TEXT,
    PRIMARY KEY (hub_id, request_id)
);
CREATE TABLE received_request (
    hub_id TEXT NOT NULL,
    request_id TEXT NOT NULL,
    statement_id TEXT NOT NULL,
    requester TEXT NOT NULL,
    link_id TEXT NOT NULL,
    involvement INTEGER,
    purpose TEXT NOT NULL,
    basis TEXT NOT NULL,
    facts TEXT NOT NULL,
    practitioner TEXT NOT NULL,
    link_proof TEXT NOT NULL,
    expires INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    hub_decision TEXT,
    hub_outcome TEXT,
    state TEXT NOT NULL,
    decision_id TEXT,
    decision_index INTEGER,
    decision_salt TEXT,
    decision_envelope BLOB,
    PRIMARY KEY (hub_id, request_id)
);
CREATE TABLE outbox (
    id INTEGER PRIMARY KEY,
    hub_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    aud TEXT NOT NULL,
    body TEXT NOT NULL,
    sealed BLOB,
    proof BLOB,
    envelope BLOB,
    idx INTEGER,
    salt TEXT,
    state TEXT NOT NULL CHECK (state IN ('pending', 'sent', 'logged', 'missing', 'failed')),
    error TEXT
);
CREATE TABLE handled (
    hub_id TEXT NOT NULL, statement_id TEXT NOT NULL, PRIMARY KEY (hub_id, statement_id)
);
CREATE TABLE public_leaf (
    genesis TEXT NOT NULL,
    idx INTEGER NOT NULL,
    envelope BLOB NOT NULL,
    PRIMARY KEY (genesis, idx)
);
CREATE TABLE charter_document (hash TEXT PRIMARY KEY, document BLOB NOT NULL);
CREATE TABLE log_view (genesis TEXT PRIMARY KEY, frontier TEXT NOT NULL, note BLOB NOT NULL);
