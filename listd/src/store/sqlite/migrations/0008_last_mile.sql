-- What the recipients' own servers said, as the relay's log tells it. Never edit an applied migration.

CREATE TABLE last_mile (
    post INTEGER NOT NULL REFERENCES post (id) ON DELETE CASCADE,
    -- of the batch
    number INTEGER NOT NULL,
    -- version 1: postcard, in the order of the batch's recipients
    outcomes BLOB NOT NULL,
    PRIMARY KEY (post, number)
) STRICT, WITHOUT ROWID;

-- Names nobody: how often a provider said what on a day, and its last words.
CREATE TABLE provider (
    -- its begin (UTC)
    day INTEGER NOT NULL,
    provider TEXT NOT NULL,
    answer TEXT NOT NULL,
    reason TEXT NOT NULL,
    count INTEGER NOT NULL,
    words TEXT NOT NULL,
    PRIMARY KEY (day, provider, answer, reason)
) STRICT, WITHOUT ROWID;

-- Where reading of the relay's log goes on.
CREATE TABLE relay_log (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    -- the follower's own form
    position BLOB NOT NULL
) STRICT;
