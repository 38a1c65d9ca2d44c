-- Which classes of asker are answered by rule on a lawful basis of ours, as somebody here chose on a
-- page: closer than node.toml's rules for all classes or bases, but for what it says of both.
CREATE TABLE answer_rule (
    basis TEXT NOT NULL,
    member_class TEXT NOT NULL,
    rule TEXT NOT NULL,
    PRIMARY KEY (basis, member_class)
);
-- Who asked, and who looked, in a span of days.
CREATE INDEX sent_request_by_time ON sent_request (hub_id, asked_at);
CREATE INDEX received_request_by_time ON received_request (hub_id, received_at);
CREATE INDEX opening_by_time ON opening (at);
