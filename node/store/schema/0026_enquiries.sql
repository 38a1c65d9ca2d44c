-- Enquiries about people who are no clients, each asked of one hub. Who it is about is a row of
-- `client` that is nothing else; it goes when the last of these is over.
CREATE TABLE enquiry (
    hub_id TEXT NOT NULL,
    enquiry_id TEXT NOT NULL,
    client INTEGER NOT NULL REFERENCES client (id),
    practitioner INTEGER NOT NULL REFERENCES practitioner (id),
    role TEXT NOT NULL,
    purpose TEXT NOT NULL,
    basis TEXT NOT NULL,
    openings TEXT NOT NULL, -- of the facts that are committed, as JSON
    made_at INTEGER NOT NULL,
    until INTEGER NOT NULL,
    state TEXT NOT NULL,
    code TEXT,
    field TEXT,
    PRIMARY KEY (hub_id, enquiry_id)
);
CREATE INDEX enquiry_by_client ON enquiry (client);
CREATE INDEX enquiry_by_time ON enquiry (made_at)
