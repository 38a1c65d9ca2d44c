-- Why a database must not be served: it is being left, or filled, in a move of that id; or its hub
-- went on elsewhere.
CREATE TABLE move (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    state TEXT NOT NULL CHECK (state IN ('leaving', 'coming', 'gone')),
    move_id TEXT NOT NULL
)
