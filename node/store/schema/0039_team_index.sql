-- Whose clients are whose is read from this alone, without the rows: lists and searches of a team ask.
DROP INDEX involvement_by_team;
CREATE INDEX involvement_by_team ON involvement (team, client, ended_at);
