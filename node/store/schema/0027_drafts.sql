-- What somebody had chosen of a request that was not sent, or that the hub did not take. request_id:
-- of the last attempt.
CREATE TABLE request_draft (
    id INTEGER PRIMARY KEY,
    hub_id TEXT NOT NULL,
    client INTEGER NOT NULL REFERENCES client (id),
    practitioner INTEGER NOT NULL REFERENCES practitioner (id),
    link_id TEXT NOT NULL,
    involvement_id TEXT NOT NULL,
    holder TEXT NOT NULL,
    role TEXT NOT NULL,
    purpose TEXT NOT NULL,
    basis TEXT NOT NULL,
    facts TEXT NOT NULL,
    needed_by INTEGER,
    request_id TEXT,
    saved_at INTEGER NOT NULL
);
CREATE INDEX request_draft_by_client ON request_draft (client);
CREATE INDEX request_draft_by_person ON request_draft (practitioner);
CREATE INDEX request_draft_by_request ON request_draft (hub_id, request_id);
CREATE INDEX request_draft_by_age ON request_draft (hub_id, saved_at);
-- By when the asker needs an answer. NULL: from before.
ALTER TABLE sent_request ADD COLUMN needed_by INTEGER;
ALTER TABLE received_request ADD COLUMN needed_by INTEGER;
