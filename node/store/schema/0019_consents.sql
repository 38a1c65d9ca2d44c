-- What clients, or who may speak for them, agreed to. Nothing is written over but that it was withdrawn:
-- of an involvement the newest counts. The involvement may be gone (a child was born): no reference.
CREATE TABLE consent (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    record_id TEXT NOT NULL UNIQUE, -- opaque, as the client's receipt has it
    involvement INTEGER NOT NULL,
    basis TEXT NOT NULL,
    given_by TEXT NOT NULL,
    how TEXT NOT NULL,
    given_on TEXT NOT NULL, -- the day, yyyy-mm-dd
    wording TEXT NOT NULL, -- version of the form or of what was said
    classes TEXT NOT NULL, -- JSON, codes of member classes; []: whomever the charter lets see it
    purposes TEXT NOT NULL, -- JSON, codes of purposes; []: those of the basis
    valid_until INTEGER NOT NULL,
    evidence TEXT, -- where the agency keeps it
    recorded_by INTEGER NOT NULL REFERENCES practitioner (id),
    recorded_at INTEGER NOT NULL,
    withdrawn_at INTEGER,
    withdrawn_by INTEGER REFERENCES practitioner (id)
);
CREATE INDEX consent_by_involvement ON consent (involvement, id);
-- The consent of ours that a request of ours rests on; NULL: none.
ALTER TABLE sent_request ADD COLUMN consent INTEGER;
