-- What each side of a link was told of work across it that it may not see, as JSON; NULL: nothing.
ALTER TABLE link ADD COLUMN hint_a TEXT;
ALTER TABLE link ADD COLUMN hint_b TEXT
