-- Chunks of tokens are kept in another form. What waits has those of before: its agency hears that it
-- is not here, and sends it again.
UPDATE upload SET state = 'dropped' WHERE state = 'waiting'
