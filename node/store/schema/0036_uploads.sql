
-- A file that somebody imports on the pages, from its upload to what came of it: what was found in
-- its columns and said of them (JSON), the mapping (TOML), why it goes no further, the report (JSON).
CREATE TABLE upload (
    id INTEGER PRIMARY KEY,
    person INTEGER NOT NULL REFERENCES practitioner (id),
    name TEXT NOT NULL,
    at INTEGER NOT NULL,
    state TEXT NOT NULL,
    columns TEXT,
    chosen TEXT,
    mapping TEXT,
    why TEXT,
    report TEXT
);

-- Mappings that were confirmed on the pages, by the name of the feed.
CREATE TABLE import_mapping (
    name TEXT PRIMARY KEY,
    mapping TEXT NOT NULL,
    at INTEGER NOT NULL
);
