-- New keys that wait for the operator, one rotation a member; and the operator's orders.
CREATE TABLE rotation (
    party_id TEXT PRIMARY KEY,
    envelope BLOB NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'approved'))
);
CREATE TABLE member_order (
    party_id TEXT PRIMARY KEY,
    status TEXT NOT NULL CHECK (status IN ('active', 'suspended', 'revoked'))
)
