-- Which version of the directory the public leaves make: written anew with each of them.
CREATE TABLE directory_version (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    version TEXT NOT NULL
);
-- The statement that answered an identity check: it is erased with the others.
ALTER TABLE identity_check ADD COLUMN answered_by TEXT;
