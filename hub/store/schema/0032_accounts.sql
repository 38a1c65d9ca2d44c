-- Who may sign in to the operator's pages, and their sessions; person: nobody's, at a hub. A password
-- is an argon2id string; what is handed out is kept as its SHA-256. Times are Unix seconds.
CREATE TABLE account (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    person INTEGER UNIQUE,
    administrator INTEGER NOT NULL DEFAULT 0,
    password TEXT,
    invited_hash TEXT UNIQUE,
    invited_until INTEGER,
    failures INTEGER NOT NULL DEFAULT 0,
    locked_until INTEGER NOT NULL DEFAULT 0,
    since INTEGER NOT NULL,
    closed_at INTEGER
);
CREATE TABLE session (
    id_hash TEXT PRIMARY KEY,
    account INTEGER NOT NULL REFERENCES account (id),
    started_at INTEGER NOT NULL,
    seen_at INTEGER NOT NULL,
    browser TEXT NOT NULL
);
CREATE INDEX session_account ON session (account);
-- A form that was sent, so that sending it again does nothing again; went_to '' while it is done.
CREATE TABLE sent_form (
    id_hash TEXT NOT NULL REFERENCES session (id_hash) ON DELETE CASCADE,
    token TEXT NOT NULL,
    went_to TEXT NOT NULL,
    PRIMARY KEY (id_hash, token)
);
