-- What somebody has answered so far of a consent that they are recording: JSON, by question.
CREATE TABLE consent_draft (
    client INTEGER NOT NULL REFERENCES client (id),
    person INTEGER NOT NULL REFERENCES practitioner (id),
    said TEXT NOT NULL,
    saved_at INTEGER NOT NULL,
    PRIMARY KEY (client, person)
);
CREATE INDEX consent_draft_by_person ON consent_draft (person);
CREATE INDEX consent_draft_by_age ON consent_draft (saved_at);
