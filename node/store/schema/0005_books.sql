-- This agency's own books of the log: the index of every entry that names it.
CREATE TABLE book (hub_id TEXT NOT NULL, idx INTEGER NOT NULL, PRIMARY KEY (hub_id, idx));
CREATE TABLE daily_statement (
    hub_id TEXT NOT NULL,
    statement_id TEXT NOT NULL,
    idx INTEGER NOT NULL,
    body TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    answer TEXT,
    PRIMARY KEY (hub_id, statement_id)
)
