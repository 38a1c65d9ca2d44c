-- Clients who are perhaps somebody that is here already (other): nothing of them is published until a
-- person has said. why: what agrees.
CREATE TABLE held_client (
    client INTEGER PRIMARY KEY REFERENCES client (id),
    other INTEGER NOT NULL REFERENCES client (id),
    why TEXT NOT NULL,
    held_at INTEGER NOT NULL
);
-- Other local ids of a client: what a spreadsheet made of its own, or what a person called the same.
CREATE TABLE other_id (
    local_id TEXT PRIMARY KEY,
    client INTEGER NOT NULL REFERENCES client (id)
);
-- Doubts about a file that a person has looked at: a hash of what it was and of the local ids.
CREATE TABLE agreed_doubt (
    doubt TEXT PRIMARY KEY,
    agreed_at INTEGER NOT NULL
);
