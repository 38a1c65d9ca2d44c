-- An import is stored in several transactions: rows of one that was stopped between two of them are
-- here, and the rest is not. What is read waits in a file of its own (node/records/importer/spool.py).
ALTER TABLE imported ADD COLUMN is_under_way INTEGER NOT NULL DEFAULT 0;
DROP TABLE incoming
