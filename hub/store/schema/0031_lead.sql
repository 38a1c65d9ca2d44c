-- Which of a hub's processes leads: each one that takes the lead raises the epoch, and none of an
-- earlier epoch writes as the leader. beat: raised by the leader while it lives.
CREATE TABLE lead (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    epoch INTEGER NOT NULL,
    holder TEXT NOT NULL,
    beat INTEGER NOT NULL
);
-- The public tree where no folder is shared: hashes of each tile, up to 256 of 32 bytes. Bundles of
-- entries are the entries.
CREATE TABLE tile (level INTEGER NOT NULL, idx INTEGER NOT NULL, hashes BLOB NOT NULL, PRIMARY KEY (level, idx));
CREATE TABLE published (id INTEGER PRIMARY KEY CHECK (id = 1), note BLOB NOT NULL);
-- Witnesses' lines that came to a process which does not lead, until the leader takes them.
CREATE TABLE taken_line (line_id INTEGER PRIMARY KEY, note BLOB NOT NULL UNIQUE);
-- Who applies an upload: the process, or the call, that began last.
ALTER TABLE upload ADD COLUMN turn TEXT
