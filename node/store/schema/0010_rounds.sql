-- Where in the log a stub was published last, and how far the hub says its rounds have come with what
-- we published. NULL: published before anybody kept it, and long since compared.
ALTER TABLE stub ADD COLUMN published_at INTEGER;
CREATE TABLE rounds (
    hub_id TEXT PRIMARY KEY,
    compared_below INTEGER NOT NULL,
    next_round INTEGER NOT NULL
);
