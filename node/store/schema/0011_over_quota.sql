-- When a daily statement was signed: NULL for one that came to an older program.
ALTER TABLE daily_statement ADD COLUMN iat INTEGER;
-- Statements of ours that the hub refused over quota, until a daily statement was compared with
-- them. sure: 0 for one that we sent, and of which we never heard what became of it.
CREATE TABLE refused (
    hub_id TEXT NOT NULL,
    statement_id TEXT NOT NULL,
    iat INTEGER NOT NULL,
    sure INTEGER NOT NULL,
    PRIMARY KEY (hub_id, statement_id)
)
