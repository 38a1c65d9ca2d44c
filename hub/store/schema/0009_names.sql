-- Names that the operator has given to members, until the running hub writes them into the log.
CREATE TABLE name_order (
    party_id TEXT PRIMARY KEY,
    name TEXT NOT NULL
)
