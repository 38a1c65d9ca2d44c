-- Cards that left us. carried: what of a worker is on the card that is out, as node/store/cards.py puts it;
-- NULL: not known, and taken to be what is here. renew: it was recalled so that another may leave.
-- former_release: what the card left by that the newest one took the place of; renewed_at: when that was.
ALTER TABLE received_request ADD COLUMN carried TEXT;
ALTER TABLE received_request ADD COLUMN renew INTEGER NOT NULL DEFAULT 0;
ALTER TABLE received_request ADD COLUMN former_release TEXT;
ALTER TABLE received_request ADD COLUMN renewed_at INTEGER;
-- Cards that came to us. recalled_by: who had it deleted, while another may take its place. renewed_at: when
-- another did.
ALTER TABLE sent_request ADD COLUMN recalled_by TEXT;
ALTER TABLE sent_request ADD COLUMN renewed_at INTEGER;
CREATE INDEX received_request_unknown ON received_request (hub_id, state) WHERE carried IS NULL;
