-- What is over goes after its time. Hashes of who withdrew and whose record is deleted, keyed with a
-- secret that is drawn with the first and goes with the last: a row of a file that meets one is held.
CREATE TABLE withdrawn_hash (
    hash BLOB PRIMARY KEY,
    made_at INTEGER NOT NULL,
    until INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE withdrawn_secret (id INTEGER PRIMARY KEY CHECK (id = 1), secret BLOB NOT NULL);
-- other NULL: somebody who withdrew and whose record is deleted.
CREATE TABLE held_client_anew (
    client INTEGER PRIMARY KEY REFERENCES client (id),
    other INTEGER REFERENCES client (id),
    why TEXT NOT NULL,
    held_at INTEGER NOT NULL
);
INSERT INTO held_client_anew SELECT client, other, why, held_at FROM held_client;
DROP TABLE held_client;
ALTER TABLE held_client_anew RENAME TO held_client;
-- Who is over, what is old, and all that goes with a client is found without walking a table.
CREATE INDEX held_client_by_other ON held_client (other);
CREATE INDEX involvement_withdrawn ON involvement (withdrawn_at) WHERE withdrawn_at IS NOT NULL;
CREATE INDEX other_id_by_client ON other_id (client);
CREATE INDEX merged_client_by_whole ON merged_client (into_client);
CREATE INDEX merged_involvement_by_client ON merged_involvement (client);
CREATE INDEX stub_by_client ON stub (client);
CREATE INDEX former_token_by_stub ON former_token (hub_id, stub_id);
CREATE INDEX sent_request_by_client ON sent_request (client);
CREATE INDEX sent_request_by_end ON sent_request (hub_id, expires);
CREATE INDEX sent_request_by_person ON sent_request (practitioner);
CREATE INDEX received_request_by_work ON received_request (involvement);
CREATE INDEX received_request_by_link ON received_request (hub_id, link_id);
CREATE INDEX received_request_by_end ON received_request (hub_id, expires);
CREATE INDEX received_request_by_worker ON received_request (worker);
CREATE INDEX sent_check_by_link ON sent_check (hub_id, link_id);
CREATE INDEX sent_check_by_end ON sent_check (hub_id, expires);
CREATE INDEX received_check_by_link ON received_check (hub_id, link_id);
CREATE INDEX received_check_by_end ON received_check (hub_id, expires);
CREATE INDEX outbox_about ON outbox (hub_id, subject);
CREATE INDEX act_by_subject ON act (subject);
CREATE INDEX act_by_time ON act (at);
CREATE INDEX act_by_person ON act (person);
CREATE INDEX act_of_merges ON act (id) WHERE what = 'merged_client';
CREATE INDEX agreed_doubt_by_time ON agreed_doubt (agreed_at);
CREATE INDEX withdrawn_hash_by_end ON withdrawn_hash (until);
CREATE INDEX withdrawn_hash_by_age ON withdrawn_hash (made_at);
CREATE INDEX consent_by_recorder ON consent (recorded_by);
CREATE INDEX consent_by_withdrawer ON consent (withdrawn_by);
