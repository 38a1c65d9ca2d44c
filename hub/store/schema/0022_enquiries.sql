-- Enquiries about people who are no clients, each with the hub's decision. "until": how long the stub
-- may say so.
CREATE TABLE enquiry (
    enquiry_id TEXT PRIMARY KEY,
    agency TEXT NOT NULL,
    practitioner TEXT NOT NULL,
    stub_id TEXT NOT NULL,
    until INTEGER NOT NULL,
    iat INTEGER NOT NULL,
    statement TEXT NOT NULL UNIQUE,
    decision TEXT NOT NULL,
    outcome TEXT NOT NULL
);
CREATE INDEX enquiry_by_agency ON enquiry (agency, iat);
CREATE INDEX enquiry_by_stub ON enquiry (stub_id)
