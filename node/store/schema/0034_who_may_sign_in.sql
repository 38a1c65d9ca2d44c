-- Who somebody is at the organisation's own sign-in (OpenID Connect). tenant is '' where the
-- provider has none. Whoever it is was pinned when they first came, by a one-time link.
CREATE TABLE identity (
    account INTEGER PRIMARY KEY REFERENCES account (id),
    issuer TEXT NOT NULL,
    tenant TEXT NOT NULL,
    subject TEXT NOT NULL,
    since INTEGER NOT NULL,
    UNIQUE (issuer, tenant, subject)
);
-- Until when somebody may use it: authorisation, training, vetting. until: a day, YYYY-MM-DD.
CREATE TABLE clearance (
    person INTEGER NOT NULL REFERENCES practitioner (id),
    kind TEXT NOT NULL,
    until TEXT NOT NULL,
    PRIMARY KEY (person, kind)
);
-- What was done to accounts, by whom (NULL: at the node's own command line), and to whose.
CREATE TABLE account_act (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    by_person INTEGER REFERENCES practitioner (id),
    system_user TEXT,
    account INTEGER NOT NULL REFERENCES account (id),
    what TEXT NOT NULL
);
