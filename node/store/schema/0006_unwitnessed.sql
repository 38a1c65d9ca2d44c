-- Cards that left us or came to us while the log had no quorum, for the lead for information
-- governance. practitioner: who of ours let it go; NULL where it came to us.
CREATE TABLE unwitnessed_card (
    hub_id TEXT NOT NULL,
    request_id TEXT NOT NULL,
    we_asked INTEGER NOT NULL,
    other TEXT NOT NULL,
    practitioner INTEGER,
    told_at INTEGER NOT NULL,
    seen_at INTEGER,
    PRIMARY KEY (hub_id, request_id)
);
