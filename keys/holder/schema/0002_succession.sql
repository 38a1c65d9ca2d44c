-- A lost log and its successor: what is followed in the place of the genesis in holder.toml.
CREATE TABLE log_successor (genesis TEXT PRIMARY KEY, successor TEXT NOT NULL);
