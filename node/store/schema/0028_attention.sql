-- Attention that our people raised, and how far it has come.
CREATE TABLE sent_attention (
    hub_id TEXT NOT NULL,
    attention_id TEXT NOT NULL,
    client INTEGER NOT NULL REFERENCES client (id),
    practitioner INTEGER NOT NULL REFERENCES practitioner (id),
    kind TEXT NOT NULL,
    raised_at INTEGER NOT NULL,
    state TEXT NOT NULL,
    code TEXT,
    PRIMARY KEY (hub_id, attention_id)
);
CREATE INDEX sent_attention_by_client ON sent_attention (client);
CREATE INDEX sent_attention_by_person ON sent_attention (practitioner);
CREATE INDEX sent_attention_by_age ON sent_attention (hub_id, raised_at);
-- Attention that others raised, by our own link and stub; seen_by: whoever of us has seen to it.
CREATE TABLE received_attention (
    id INTEGER PRIMARY KEY,
    hub_id TEXT NOT NULL,
    attention_id TEXT NOT NULL,
    agency_id TEXT NOT NULL,
    link_id TEXT NOT NULL,
    stub_id TEXT NOT NULL,
    role TEXT NOT NULL,
    kind TEXT NOT NULL,
    raised_at INTEGER NOT NULL,
    seen_at INTEGER,
    seen_by INTEGER REFERENCES practitioner (id),
    UNIQUE (hub_id, attention_id, link_id)
);
CREATE INDEX received_attention_by_stub ON received_attention (hub_id, stub_id);
CREATE INDEX received_attention_by_person ON received_attention (seen_by);
CREATE INDEX received_attention_by_age ON received_attention (hub_id, raised_at)
