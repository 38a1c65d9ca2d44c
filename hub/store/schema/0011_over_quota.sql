-- What was refused over quota, until a daily statement counts it; and of which kind and day the log
-- has a leaf.
CREATE TABLE over_quota (statement_id TEXT PRIMARY KEY, agency TEXT NOT NULL, iat INTEGER NOT NULL)
    WITHOUT ROWID;
CREATE INDEX over_quota_by_time ON over_quota (iat);
CREATE TABLE over_quota_count (agency TEXT PRIMARY KEY, count INTEGER NOT NULL);
CREATE TABLE over_quota_leaf (
    agency TEXT NOT NULL, kind TEXT NOT NULL, day INTEGER NOT NULL, PRIMARY KEY (agency, kind, day)
)
