-- What we went by when we decided on a request, and the salt of the commitment to it in the log, as
-- JSON. NULL: not decided yet, or decided before these were kept.
ALTER TABLE received_request ADD COLUMN disclosure TEXT;
