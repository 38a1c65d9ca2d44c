-- What the charter that binds us at a hub makes always findable: written anew whenever we look at it.
CREATE TABLE always_findable (
    hub_id TEXT NOT NULL,
    type TEXT NOT NULL, -- of involvement
    basis TEXT NOT NULL, -- the lawful basis that it is on
    PRIMARY KEY (hub_id, type)
);
-- Clients whose records two people together keep unpublished. An id is never given to another.
CREATE TABLE withheld (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    client INTEGER NOT NULL REFERENCES client (id),
    reason TEXT NOT NULL,
    review_on TEXT,
    expires_at INTEGER, -- NULL: it stands until people have ended it, as after a restore
    proposed_by INTEGER REFERENCES practitioner (id), -- NULL: nobody, after a restore
    proposed_at INTEGER NOT NULL,
    agreed_by INTEGER REFERENCES practitioner (id),
    agreed_at INTEGER, -- in force from here on
    ending_by INTEGER REFERENCES practitioner (id), -- who says first that it is to end
    ended_by INTEGER REFERENCES practitioner (id), -- NULL where another one took its place
    ended_at INTEGER
);
CREATE INDEX withheld_by_client ON withheld (client);
