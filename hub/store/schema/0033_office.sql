-- What an operator did on the pages, by whom and why; about: a member's id, or what else it was. And
-- what is amiss at the running hub, for as long as it is.
CREATE TABLE operator_act (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    who TEXT NOT NULL,
    act TEXT NOT NULL,
    about TEXT NOT NULL,
    reason TEXT NOT NULL
);
CREATE INDEX operator_act_about ON operator_act (about);
-- When a member asked for its mail last, and which version of the program it said it is ('': none).
CREATE TABLE member_heard (party_id TEXT PRIMARY KEY, version TEXT NOT NULL, at INTEGER NOT NULL);
CREATE TABLE standing_alarm (name TEXT PRIMARY KEY, says TEXT NOT NULL, since INTEGER NOT NULL)
