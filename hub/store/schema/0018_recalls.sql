-- recall: the statement by which the holding agency, or the hub for one that is no active member, had
-- the card deleted. keep_until: when that happens by itself; NULL for cards of an earlier program.
ALTER TABLE request ADD COLUMN recall TEXT;
ALTER TABLE request ADD COLUMN keep_until INTEGER;
-- Cards that are out: those of an agency that is suspended are looked for.
CREATE INDEX request_out ON request (holder) WHERE release IS NOT NULL AND recall IS NULL
