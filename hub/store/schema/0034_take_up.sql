-- Take-up: what stood on a day of each week (since 1970, they begin on Mondays), by agency; the last
-- day that was looked at stays. How agencies answered, by lawful basis: by_rule 1, or by a person 0.
CREATE TABLE week_figure (
    week INTEGER NOT NULL,
    agency TEXT NOT NULL,
    day INTEGER NOT NULL,
    involvements INTEGER NOT NULL,
    links INTEGER NOT NULL,
    practitioners TEXT NOT NULL,
    PRIMARY KEY (week, agency)
);
CREATE TABLE answered (
    agency TEXT NOT NULL,
    basis TEXT NOT NULL,
    by_rule INTEGER NOT NULL,
    number INTEGER NOT NULL,
    PRIMARY KEY (agency, basis, by_rule)
);
-- Organisations that go live together on a day (ISO). invitation: the hash of the one made for it.
CREATE TABLE wave (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, day TEXT NOT NULL);
CREATE TABLE wave_organisation (
    wave INTEGER NOT NULL REFERENCES wave (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    invitation TEXT,
    trained_on TEXT,
    opened_on TEXT,
    PRIMARY KEY (wave, name)
)
