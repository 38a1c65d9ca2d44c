-- Who looked at which client on the pages, and why if it was nobody of theirs.
CREATE TABLE opening (
    id INTEGER PRIMARY KEY,
    person INTEGER NOT NULL REFERENCES practitioner (id),
    client INTEGER NOT NULL REFERENCES client (id),
    at INTEGER NOT NULL,
    reason TEXT
);
CREATE INDEX opening_by_client ON opening (client, person, at);
CREATE INDEX opening_by_person ON opening (person, at);
