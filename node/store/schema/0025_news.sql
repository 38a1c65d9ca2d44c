-- What is new for our own people: a line for each of them, of ids alone. subject: the link, request or
-- work that it is of; item: which of it (the other side's involvement, the question). level: quiet,
-- digest or notice, as the charter said of the other side's type of work.
CREATE TABLE news (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    hub_id TEXT NOT NULL,
    person INTEGER NOT NULL REFERENCES practitioner (id),
    client INTEGER NOT NULL REFERENCES client (id),
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    item TEXT NOT NULL,
    level TEXT NOT NULL,
    at INTEGER NOT NULL,
    seen_at INTEGER,
    mailed_at INTEGER,
    UNIQUE (hub_id, subject, kind, item, person)
);
CREATE INDEX news_by_person ON news (person, seen_at, id);
CREATE INDEX news_unmailed ON news (person, level, at) WHERE mailed_at IS NULL AND seen_at IS NULL;
CREATE INDEX news_by_client ON news (client);
CREATE INDEX news_by_time ON news (hub_id, at);
-- Agencies that a client's team had shown when links were told anew (a lost log, a backup that was put
-- back): that they are found again is no news.
CREATE TABLE shown_before (
    hub_id TEXT NOT NULL,
    client INTEGER NOT NULL REFERENCES client (id),
    agency_id TEXT NOT NULL,
    PRIMARY KEY (hub_id, client, agency_id)
) WITHOUT ROWID;
CREATE INDEX shown_before_by_client ON shown_before (client);
-- mail_wish: how somebody wants to hear by e-mail that there is news; NULL: as the settings say.
-- mail_to: where, if not at the address on their card. mail_refused: the address that was refused.
ALTER TABLE practitioner ADD COLUMN mail_wish TEXT;
ALTER TABLE practitioner ADD COLUMN mail_to TEXT;
ALTER TABLE practitioner ADD COLUMN mail_refused TEXT;
-- Mail on its way: one for a person, of the same Message-ID each time that it is tried.
CREATE TABLE news_mail (
    person INTEGER PRIMARY KEY REFERENCES practitioner (id),
    message_id TEXT NOT NULL,
    since INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    next_at INTEGER NOT NULL
);
-- The client behind a stub, which each notice of the hub asks for.
CREATE INDEX stub_by_id ON stub (hub_id, stub_id);
