-- Cards that came to us. keep_until: when this node deletes the card by itself; NULL: it came from an
-- earlier program. recall, wrong_person: the statement that had it deleted and that we answer. wiped:
-- 0 when it is deleted, 1 when no file holds it any more; NULL: it was not deleted.
ALTER TABLE sent_request ADD COLUMN keep_until INTEGER;
ALTER TABLE sent_request ADD COLUMN recall TEXT;
ALTER TABLE sent_request ADD COLUMN wrong_person TEXT;
ALTER TABLE sent_request ADD COLUMN wiped INTEGER;
-- Cards that left us. worker: whose details are on it. gone_at: when the other node stated that it has
-- deleted it. kept: a person said that it stays though the permission was withdrawn. overrode: the
-- newest objection that whoever allowed it knew of.
ALTER TABLE received_request ADD COLUMN keep_until INTEGER;
ALTER TABLE received_request ADD COLUMN worker INTEGER;
ALTER TABLE received_request ADD COLUMN gone_at INTEGER;
ALTER TABLE received_request ADD COLUMN kept INTEGER NOT NULL DEFAULT 0;
ALTER TABLE received_request ADD COLUMN overrode INTEGER;
CREATE INDEX received_request_by_state ON received_request (hub_id, state);
CREATE INDEX sent_request_unwiped ON sent_request (hub_id) WHERE wiped = 0;
-- What clients object to: that anything is shared, or with agencies of one class. said_by: the client
-- or who speaks for them. ended_at: when it was taken back.
CREATE TABLE objection (
    id INTEGER PRIMARY KEY,
    client INTEGER NOT NULL REFERENCES client (id),
    member_class TEXT,
    said_by TEXT NOT NULL,
    said_at INTEGER NOT NULL,
    ended_at INTEGER
);
CREATE INDEX objection_by_client ON objection (client)
