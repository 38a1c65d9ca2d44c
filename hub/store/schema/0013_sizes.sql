-- How many clients the operator says that members have, until the running hub writes it into the log.
CREATE TABLE size_order (party_id TEXT PRIMARY KEY, clients INTEGER NOT NULL)
