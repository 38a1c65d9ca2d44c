-- renewed_at: when the card that left last was released, where it took the place of one that was recalled.
ALTER TABLE request ADD COLUMN renewed_at INTEGER;
-- What was said of the cards before it, by statement id.
CREATE TABLE earlier_card (
    release TEXT PRIMARY KEY,
    request_id TEXT NOT NULL REFERENCES request (request_id),
    receipt TEXT,
    recall TEXT NOT NULL,
    recall_done TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX earlier_card_by_request ON earlier_card (request_id)
