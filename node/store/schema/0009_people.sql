-- Everybody who may act for this agency, workers as imported and others: the register of people.
-- kind: worker, manager, duty_worker. since NULL: imported before there was a register. closed_at:
-- acts no longer; an import does not bring anybody back.
ALTER TABLE practitioner ADD COLUMN kind TEXT NOT NULL DEFAULT 'worker';
ALTER TABLE practitioner ADD COLUMN since INTEGER;
ALTER TABLE practitioner ADD COLUMN closed_at INTEGER;
-- What was done in whose name, where no statement says it by decided_by. subject: the client's own id,
-- how many alerts, the alarm's number, the charter's version.
CREATE TABLE act (
    id INTEGER PRIMARY KEY,
    person INTEGER NOT NULL REFERENCES practitioner (id),
    what TEXT NOT NULL,
    subject TEXT NOT NULL,
    at INTEGER NOT NULL
);
