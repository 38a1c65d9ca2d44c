-- clock: until when each has a request that waits for an answer, as JSON, by the charter of its entry;
-- NULL where that sets none, and for requests of an earlier program. overdue: the hub's statement that
-- nobody answered in time.
ALTER TABLE sent_request ADD COLUMN clock TEXT;
ALTER TABLE sent_request ADD COLUMN overdue TEXT;
ALTER TABLE received_request ADD COLUMN clock TEXT;
ALTER TABLE received_request ADD COLUMN overdue TEXT;
