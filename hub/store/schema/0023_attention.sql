-- Attention that was raised, by its entry in the log; told: 0 while the team has still to be told.
CREATE TABLE attention (
    attention_id TEXT PRIMARY KEY,
    idx INTEGER NOT NULL UNIQUE,
    told INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX attention_to_tell ON attention (idx) WHERE told = 0;
-- Who was told, over which link: for whoever came back from a backup.
CREATE TABLE attention_told (
    agency TEXT NOT NULL,
    idx INTEGER NOT NULL,
    link_id TEXT NOT NULL,
    PRIMARY KEY (agency, idx, link_id)
);
