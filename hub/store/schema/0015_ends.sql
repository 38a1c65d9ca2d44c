-- What ended is told at once: stubs that lost something since the last ends pass.
CREATE TABLE lost_stub (stub_id TEXT PRIMARY KEY);
-- A link that ended between rounds: the next one looks at what that means for others.
ALTER TABLE link ADD COLUMN between_rounds INTEGER NOT NULL DEFAULT 0
