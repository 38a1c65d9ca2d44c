-- What the hub told us of services that we may not see, by our stub; asked: how far our request to be
-- introduced has come. service: who it is, as the hub named it, JSON; NULL: nobody knows.
CREATE TABLE hint (
    hub_id TEXT NOT NULL,
    hint_id TEXT NOT NULL,
    stub_id TEXT NOT NULL,
    says TEXT NOT NULL,
    member_class TEXT,
    round_id TEXT NOT NULL,
    state TEXT NOT NULL,
    request_id TEXT,
    code TEXT,
    field TEXT,
    service TEXT,
    PRIMARY KEY (hub_id, hint_id)
);
CREATE INDEX hint_by_stub ON hint (hub_id, stub_id);
-- Who asked the hub to be introduced to us. stub_id and link_id: over what, once the hub has named us.
CREATE TABLE introduced (
    hub_id TEXT NOT NULL,
    statement_id TEXT NOT NULL,
    requester TEXT NOT NULL,
    role TEXT NOT NULL,
    purpose TEXT NOT NULL,
    basis TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    stub_id TEXT,
    link_id TEXT,
    PRIMARY KEY (hub_id, statement_id)
);
CREATE INDEX introduced_by_stub ON introduced (hub_id, stub_id);
CREATE INDEX introduced_by_link ON introduced (hub_id, link_id)
