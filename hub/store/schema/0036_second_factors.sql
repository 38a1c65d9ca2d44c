-- What an operator shows besides a password, as at a node. An app's secret is kept as it is, because
-- codes are made of it; what is typed once or carried by a browser is kept as its SHA-256.
-- last_step: the step (of 30 seconds) of the code that was used last; none up to it is taken again.
CREATE TABLE authenticator_app (
    account INTEGER PRIMARY KEY REFERENCES account (id),
    secret TEXT,
    pending TEXT,
    last_step INTEGER NOT NULL DEFAULT 0,
    since INTEGER
);
CREATE TABLE recovery_code (
    account INTEGER NOT NULL REFERENCES account (id),
    code_hash TEXT NOT NULL,
    PRIMARY KEY (account, code_hash)
);
CREATE TABLE passkey (
    id INTEGER PRIMARY KEY,
    account INTEGER NOT NULL REFERENCES account (id),
    credential BLOB NOT NULL UNIQUE,
    public_key BLOB NOT NULL,
    sign_count INTEGER NOT NULL,
    name TEXT NOT NULL,
    since INTEGER NOT NULL,
    used_at INTEGER NOT NULL
);
CREATE INDEX passkey_account ON passkey (account);
-- The password was right, and something more is waited for.
CREATE TABLE sign_in_step (
    id_hash TEXT PRIMARY KEY,
    account INTEGER NOT NULL REFERENCES account (id),
    started_at INTEGER NOT NULL
);
-- When somebody who was signed in showed again that it is them.
CREATE TABLE session_check (
    id_hash TEXT PRIMARY KEY REFERENCES session (id_hash) ON DELETE CASCADE,
    checked_at INTEGER NOT NULL
);
-- Browsers in which somebody signed in before: a stranger's wrong passwords do not lock these out.
CREATE TABLE known_browser (
    id_hash TEXT NOT NULL,
    account INTEGER NOT NULL REFERENCES account (id),
    seen_at INTEGER NOT NULL,
    failures INTEGER NOT NULL DEFAULT 0,
    locked_until INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (id_hash, account)
)
