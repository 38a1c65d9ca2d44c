-- From which log index on publications of an agency waited for a round, as it was told last: nothing is
-- told twice.
CREATE TABLE round_told (
    agency TEXT PRIMARY KEY,
    open_from INTEGER NOT NULL
) STRICT;
