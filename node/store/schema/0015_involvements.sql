-- A client has several involvements, and each has several workers. Every import has a number; what
-- came with it is marked with it, so that who is missing from a file is known.
CREATE TABLE imported (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    feed TEXT NOT NULL, -- the title of the mapping
    at INTEGER NOT NULL,
    rows INTEGER NOT NULL
);
-- What each source says of a client; table client has what comes of it all. import_id NULL: by hand,
-- or from before imports had numbers.
CREATE TABLE client_said (
    client INTEGER NOT NULL REFERENCES client (id),
    source TEXT NOT NULL, -- 'hand', 'before', or 'feed: ' and the title of the mapping
    nhs_number TEXT,
    given TEXT,
    middle TEXT,
    family TEXT,
    date_of_birth TEXT,
    sex TEXT,
    address TEXT,
    postcode TEXT,
    changed_by INTEGER NOT NULL, -- the import that brought what is new in it; 0: none
    import_id INTEGER,
    PRIMARY KEY (client, source)
);
INSERT INTO client_said SELECT
    id, 'before', nhs_number, given, middle, family, date_of_birth, sex, address, postcode, 0, NULL
FROM client;
ALTER TABLE client DROP COLUMN row_hash;
-- The rows of a file that is being taken in, until the transaction ends: by client, to be added up.
CREATE TABLE incoming (
    id INTEGER PRIMARY KEY,
    client TEXT NOT NULL, -- the local id; of a child not yet born the mother's
    local_id TEXT NOT NULL,
    row TEXT NOT NULL
);
CREATE INDEX incoming_by_client ON incoming (client, id);
CREATE INDEX incoming_by_id ON incoming (local_id);
-- Who covers for them.
ALTER TABLE practitioner ADD COLUMN cover TEXT;
CREATE TABLE involvement_anew (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    client INTEGER NOT NULL REFERENCES client (id),
    type TEXT NOT NULL,
    label TEXT,
    team TEXT,
    own_id TEXT, -- the agency's own id of this work
    for_unborn TEXT, -- the agency's own id of a child not yet born; the client is its mother
    is_waiting INTEGER NOT NULL DEFAULT 0,
    started_on TEXT,
    ended_at INTEGER, -- the first second that it is over, perhaps to come
    ended_by TEXT CHECK (ended_by IN ('feed', 'person')),
    last_contact TEXT,
    next_visit TEXT,
    permission_basis TEXT,
    valid_until INTEGER,
    consent_date TEXT,
    withdrawn_at INTEGER,
    import_id INTEGER -- the last that had it. NULL: by hand; 0: from before there were numbers
);
INSERT INTO involvement_anew (
    id, client, type, label, team, for_unborn, permission_basis, valid_until, consent_date,
    withdrawn_at, import_id
) SELECT
    i.id, i.client, i.type, i.label, NULLIF(p.team, ''), i.for_unborn, i.permission_basis,
    i.valid_until, i.consent_date, i.withdrawn_at, 0
FROM involvement i LEFT JOIN practitioner p ON p.id = i.practitioner;
CREATE TABLE worked AS
SELECT id, practitioner FROM involvement WHERE practitioner IS NOT NULL;
CREATE TABLE last_involvement AS SELECT seq FROM sqlite_sequence WHERE name = 'involvement';
DROP TABLE involvement;
ALTER TABLE involvement_anew RENAME TO involvement;
DELETE FROM sqlite_sequence WHERE name = 'involvement';
INSERT INTO sqlite_sequence (name, seq) SELECT 'involvement', seq FROM last_involvement;
DROP TABLE last_involvement;
CREATE TABLE involvement_worker (
    involvement INTEGER NOT NULL REFERENCES involvement (id),
    practitioner INTEGER NOT NULL REFERENCES practitioner (id),
    ordinal INTEGER NOT NULL, -- the first to call has the lowest
    import_id INTEGER, -- as of involvement
    PRIMARY KEY (involvement, practitioner)
);
INSERT INTO involvement_worker (involvement, practitioner, ordinal, import_id)
SELECT id, practitioner, 0, 0 FROM worked;
DROP TABLE worked;
CREATE INDEX involvement_by_client ON involvement (client);
CREATE INDEX involvement_by_child ON involvement (for_unborn);
CREATE INDEX involvement_worker_by_person ON involvement_worker (practitioner);
-- What a client who is added by hand gets unless somebody says otherwise.
CREATE TABLE preset (
    name TEXT PRIMARY KEY,
    type TEXT NOT NULL,
    label TEXT,
    team TEXT,
    basis TEXT NOT NULL,
    days INTEGER NOT NULL -- how long the permission holds
);
-- Two clients of ours who are one: all that is said of the first counts for the other. What was whose
-- stays known, so that it can be taken back.
CREATE TABLE merged_client (
    client INTEGER PRIMARY KEY REFERENCES client (id),
    into_client INTEGER NOT NULL REFERENCES client (id),
    person INTEGER NOT NULL REFERENCES practitioner (id),
    at INTEGER NOT NULL
);
CREATE TABLE merged_involvement (
    involvement INTEGER PRIMARY KEY REFERENCES involvement (id),
    client INTEGER NOT NULL REFERENCES client (id) -- whose it was
);
-- Who of our clients is what of another one. No hub hears of it.
CREATE TABLE relative (
    client INTEGER NOT NULL REFERENCES client (id),
    relative INTEGER NOT NULL REFERENCES client (id),
    relation TEXT NOT NULL, -- of the relative to the client, in the agency's words
    PRIMARY KEY (client, relative)
);
CREATE INDEX relative_by_relative ON relative (relative);
