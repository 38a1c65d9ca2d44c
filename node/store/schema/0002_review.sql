-- People decide: what waits for them, what they said, identity checks, recalled cards.
-- state: asked, sending, said, idle. question NULL: the hub asks nothing of us.
CREATE TABLE review (
    hub_id TEXT NOT NULL,
    link_id TEXT NOT NULL,
    stub_id TEXT NOT NULL,
    question TEXT,
    asked_at INTEGER,
    answer TEXT,
    rests_on TEXT,
    answered_at INTEGER,
    answered_question TEXT,
    state TEXT NOT NULL,
    error TEXT,
    PRIMARY KEY (hub_id, link_id)
);
-- What we asked to compare. openings live only until the check has left.
CREATE TABLE sent_check (
    hub_id TEXT NOT NULL,
    check_id TEXT NOT NULL,
    link_id TEXT NOT NULL,
    practitioner TEXT NOT NULL,
    openings TEXT,
    asked_at INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    statement_id TEXT,
    state TEXT NOT NULL,
    code TEXT,
    field TEXT,
    holder TEXT,
    evidence TEXT,
    decision_id TEXT,
    decision_index INTEGER,
    decision_salt TEXT,
    decision_envelope BLOB,
    sent_id TEXT,
    answer TEXT,
    PRIMARY KEY (hub_id, check_id)
);
-- What others asked us to compare. details live only until a person has answered.
CREATE TABLE received_check (
    hub_id TEXT NOT NULL,
    check_id TEXT NOT NULL,
    statement_id TEXT NOT NULL,
    requester TEXT NOT NULL,
    link_id TEXT NOT NULL,
    role TEXT NOT NULL,
    purpose TEXT NOT NULL,
    basis TEXT NOT NULL,
    facts TEXT NOT NULL,
    expires INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    state TEXT NOT NULL,
    decision_id TEXT,
    decision_index INTEGER,
    decision_salt TEXT,
    decision_envelope BLOB,
    check_statement TEXT,
    practitioner TEXT,
    details TEXT,
    answer TEXT,
    code TEXT,
    PRIMARY KEY (hub_id, check_id)
);
-- For the lead for information governance: a card went to the wrong person's record.
CREATE TABLE governance_notice (
    hub_id TEXT NOT NULL,
    request_id TEXT NOT NULL,
    we_asked INTEGER NOT NULL,
    other TEXT NOT NULL,
    said_by TEXT NOT NULL,
    told_at INTEGER NOT NULL,
    recalled_at INTEGER,
    seen_at INTEGER,
    PRIMARY KEY (hub_id, request_id)
);
ALTER TABLE sent_request ADD COLUMN link_id TEXT;
ALTER TABLE sent_request ADD COLUMN release_id TEXT;
ALTER TABLE received_request ADD COLUMN release_id TEXT;
