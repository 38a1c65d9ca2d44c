-- People decide: what was asked of whom, what they said, identity checks, "wrong person".
-- origin: 'score', 'doubted' (a score that one side denies), 'supported', 'people'.
ALTER TABLE link ADD COLUMN origin TEXT NOT NULL DEFAULT 'score';
-- The question that is open to this side's people, or NULL.
ALTER TABLE link ADD COLUMN review_a TEXT;
ALTER TABLE link ADD COLUMN review_b TEXT;
CREATE TABLE verdict (
    link_id TEXT NOT NULL,
    agency TEXT NOT NULL,
    said TEXT NOT NULL CHECK (said IN ('same', 'not_same')),
    question TEXT NOT NULL,
    statement_id TEXT NOT NULL,
    PRIMARY KEY (link_id, agency)
);
ALTER TABLE request ADD COLUMN wrong_person TEXT;
ALTER TABLE request ADD COLUMN recall_done TEXT;
CREATE TABLE identity_check (
    check_id TEXT PRIMARY KEY,
    requester TEXT NOT NULL,
    holder TEXT,
    link_id TEXT NOT NULL,
    expires INTEGER NOT NULL,
    iat INTEGER NOT NULL,
    request TEXT NOT NULL,
    decision TEXT NOT NULL,
    outcome TEXT NOT NULL,
    sent TEXT,
    answer TEXT
);
CREATE INDEX identity_check_by_requester ON identity_check (requester, iat);
-- Links that were there before: the next rounds put their questions.
INSERT INTO dirty_stub SELECT stub_a FROM link WHERE state = 'possible'
    ON CONFLICT (stub_id) DO NOTHING;
INSERT INTO dirty_stub SELECT stub_b FROM link WHERE state = 'possible'
    ON CONFLICT (stub_id) DO NOTHING;
