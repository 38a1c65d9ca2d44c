-- Who asked, so that what somebody who leaves has asked for is stopped. NULL: from before.
ALTER TABLE sent_request ADD COLUMN practitioner INTEGER REFERENCES practitioner (id);
-- When a person confirmed last that work goes on. Imports that have it confirm it too.
ALTER TABLE involvement ADD COLUMN confirmed_at INTEGER;
