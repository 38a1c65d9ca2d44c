-- Who answers beside those who work with a client: duty of a team, or a manager. team '': all teams.
CREATE TABLE team_role (
    practitioner INTEGER NOT NULL REFERENCES practitioner (id),
    role TEXT NOT NULL,
    team TEXT NOT NULL,
    PRIMARY KEY (practitioner, role, team)
);
INSERT INTO team_role SELECT id, 'manager', '' FROM practitioner WHERE kind = 'manager';
INSERT INTO team_role SELECT id, 'duty', team FROM practitioner WHERE kind = 'duty_worker';
-- Who is away from when to when, and who answers in their place meanwhile; cover NULL: nobody.
CREATE TABLE absence (
    id INTEGER PRIMARY KEY,
    practitioner INTEGER NOT NULL REFERENCES practitioner (id),
    starts_at INTEGER NOT NULL,
    ends_at INTEGER NOT NULL,
    cover INTEGER REFERENCES practitioner (id)
);
CREATE INDEX absence_by_person ON absence (practitioner, ends_at);
CREATE INDEX absence_by_cover ON absence (cover);
CREATE INDEX absence_by_end ON absence (ends_at);
-- Whose a request is: to whom it was passed on, by whom and when; who answered, and the opening (JSON)
-- of what they wrote if they refused.
ALTER TABLE received_request ADD COLUMN passed_to INTEGER REFERENCES practitioner (id);
ALTER TABLE received_request ADD COLUMN passed_by INTEGER REFERENCES practitioner (id);
ALTER TABLE received_request ADD COLUMN passed_at INTEGER;
ALTER TABLE received_request ADD COLUMN answered_by INTEGER REFERENCES practitioner (id);
ALTER TABLE received_request ADD COLUMN reason TEXT;
CREATE INDEX received_request_by_passed_to ON received_request (passed_to);
CREATE INDEX received_request_by_passed_by ON received_request (passed_by);
CREATE INDEX received_request_by_answerer ON received_request (answered_by);
-- The reason in writing that came with a refusal: its opening, as JSON.
ALTER TABLE sent_request ADD COLUMN reason TEXT;
