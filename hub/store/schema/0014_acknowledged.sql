-- Up to where each agency has acknowledged its mail: one that asks for less came back from a backup.
CREATE TABLE acknowledged (agency TEXT PRIMARY KEY, cursor INTEGER NOT NULL);
