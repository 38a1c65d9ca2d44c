-- Mail is numbered for each agency by itself: a number common to all told how much others got.
-- Everybody goes on behind the highest number there was, which stands under no agency.
CREATE TABLE mailbox_last (agency TEXT PRIMARY KEY, seq INTEGER NOT NULL);
INSERT INTO mailbox_last SELECT '', seq FROM sqlite_sequence WHERE name = 'mailbox';
CREATE TABLE mailbox_of_each (
    agency TEXT NOT NULL,
    seq INTEGER NOT NULL,
    idx INTEGER,
    salt BLOB,
    envelope BLOB NOT NULL,
    sealed BLOB,
    proof BLOB,
    delivered INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (agency, seq)
);
INSERT INTO mailbox_of_each
    SELECT agency, seq, idx, salt, envelope, sealed, proof, delivered FROM mailbox ORDER BY seq;
DROP TABLE mailbox;
ALTER TABLE mailbox_of_each RENAME TO mailbox;
-- Who is shown nothing of a pair is asked nothing about it: it is in nobody's budget.
UPDATE link SET asker = NULL
    WHERE (agency_a <> asker AND notice_a IS NULL OR agency_b <> asker AND notice_b IS NULL)
    AND NOT EXISTS (SELECT 1 FROM verdict v WHERE v.link_id = link.link_id
        AND v.agency <> link.asker AND v.said = 'not_same');
-- A round looks at whatever is near the links it is about, those too that ended since the last one.
ALTER TABLE link DROP COLUMN between_rounds;
-- What hides from one side of a link moves it no more: the next rounds look at all links again.
INSERT INTO dirty_stub SELECT stub_a FROM link WHERE 1 = 1 ON CONFLICT (stub_id) DO NOTHING
