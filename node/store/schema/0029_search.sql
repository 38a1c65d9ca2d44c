-- What own clients are found by (node/store/terms.py): the words of their names, NHS number, postcode
-- and birth date, folded. It is written with the client; for who is here already, fill_search does
-- it after this script. No reference to client and no index by it, which would double what an import
-- pays: a client's own terms stand in found_by, a line each.
CREATE TABLE client_term (
    term TEXT NOT NULL,
    client INTEGER NOT NULL,
    PRIMARY KEY (term, client)
) WITHOUT ROWID;
ALTER TABLE client ADD COLUMN found_by TEXT NOT NULL DEFAULT '';
-- Each word of anybody's name once, with what it is found by itself: its skeletons, and its pairs of
-- letters, of which a slip leaves most as they are.
CREATE TABLE name_word (
    word TEXT PRIMARY KEY
) WITHOUT ROWID;
CREATE TABLE name_part (
    part TEXT NOT NULL,
    word TEXT NOT NULL,
    PRIMARY KEY (part, word)
) WITHOUT ROWID;
-- What lists are sorted by: family name, then given name, folded.
ALTER TABLE client ADD COLUMN sort_name TEXT NOT NULL DEFAULT '';
CREATE INDEX client_by_sort_name ON client (sort_name);
CREATE INDEX involvement_by_team ON involvement (team, client);
CREATE INDEX practitioner_by_team ON practitioner (team)
