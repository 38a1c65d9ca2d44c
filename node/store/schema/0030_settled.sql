-- Of what a stub was drafted, by a keyed digest: while that is the same, nothing is drafted again.
ALTER TABLE stub ADD COLUMN made_of BLOB
