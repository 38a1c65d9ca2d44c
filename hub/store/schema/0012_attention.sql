-- The agency whose record, the later one, asks for the attention of the other side's people here.
ALTER TABLE link ADD COLUMN asker TEXT;
CREATE INDEX link_by_asker ON link (asker);
CREATE INDEX link_by_agencies ON link (agency_a, agency_b, state);
-- Whose questions are not put to whom, because they are more than the charter's budget.
CREATE TABLE questions_held (asker TEXT NOT NULL, asked TEXT NOT NULL, PRIMARY KEY (asker, asked))
