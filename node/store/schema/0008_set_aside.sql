-- What a statement is about (a request, a check, a link), so that it is found again. NULL: written
-- by an older program, or about none of them.
ALTER TABLE outbox ADD COLUMN subject TEXT;
CREATE INDEX outbox_by_state ON outbox (hub_id, state);
CREATE INDEX outbox_by_subject ON outbox (hub_id, kind, subject);
-- What a fault of this program kept from being done, to be tried again. what: message, statement,
-- entry, card, check, loop. item: an id or an index. delivery: a message as it came. error and
-- place: the fault's type, and where in our code; never what it said.
CREATE TABLE set_aside (
    id INTEGER PRIMARY KEY,
    hub_id TEXT NOT NULL,
    what TEXT NOT NULL,
    item TEXT NOT NULL,
    delivery BLOB,
    first_seen INTEGER NOT NULL,
    error TEXT NOT NULL,
    place TEXT NOT NULL,
    UNIQUE (hub_id, what, item)
)
