-- due: when the holding agency must have answered, by the charter of the request's entry; NULL once that
-- is settled either way, and where there is no clock. overdue: the statement that it had not.
ALTER TABLE request ADD COLUMN due INTEGER;
ALTER TABLE request ADD COLUMN overdue TEXT;
CREATE INDEX request_due ON request (due, request_id) WHERE due IS NOT NULL
