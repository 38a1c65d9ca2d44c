-- The last daily statement of each agency.
CREATE TABLE daily (
    agency TEXT PRIMARY KEY,
    day INTEGER NOT NULL,
    end_size INTEGER NOT NULL
);
-- Daily statements that were not answered yet.
CREATE TABLE daily_open (statement_id TEXT PRIMARY KEY, agency TEXT NOT NULL)
