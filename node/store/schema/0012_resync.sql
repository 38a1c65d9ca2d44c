-- That this node came back from a backup, and how far it is in learning what it missed of a hub.
-- envelope: our question, signed. state: noticed, taken (what the log says is in, mail is not), done.
-- lost: what could not be brought back, as JSON.
CREATE TABLE resync (
    hub_id TEXT PRIMARY KEY,
    noticed_at INTEGER NOT NULL,
    cause TEXT NOT NULL,
    state TEXT NOT NULL,
    envelope BLOB,
    lost TEXT NOT NULL
);
-- Stubs of ours at the hub whose clients this database does not know: to be retired.
CREATE TABLE lost_stub (
    hub_id TEXT NOT NULL,
    stub_id TEXT NOT NULL,
    revision INTEGER NOT NULL,
    PRIMARY KEY (hub_id, stub_id)
);
