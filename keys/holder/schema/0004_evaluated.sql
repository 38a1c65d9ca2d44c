-- What was evaluated for whom in the last day: the same points for another quorum cost nothing more. A
-- points_hash is over blinded points, and says nothing of what is in them.
CREATE TABLE evaluated (
    party_id TEXT NOT NULL,
    points_hash TEXT NOT NULL,
    quorum TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (party_id, points_hash, quorum)
);
CREATE INDEX evaluated_by_time ON evaluated (at);
