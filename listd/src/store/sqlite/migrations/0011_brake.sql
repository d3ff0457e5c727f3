-- Mails that many servers refuse, and bounces that nobody understands. Never edit an applied migration.

-- Recipients whose servers refused a mail because of the mail, or because it came from us.
CREATE TABLE refusal (
    post INTEGER NOT NULL REFERENCES post (id) ON DELETE CASCADE,
    recipient INTEGER NOT NULL,
    provider TEXT NOT NULL,
    class TEXT NOT NULL,
    said TEXT NOT NULL,
    PRIMARY KEY (post, recipient)
) STRICT, WITHOUT ROWID;

-- Posts whose delivery paused because of that, once each.
CREATE TABLE brake (
    post INTEGER PRIMARY KEY REFERENCES post (id) ON DELETE CASCADE,
    at INTEGER NOT NULL,
    -- version 1: JSON
    refusals BLOB NOT NULL,
    -- when somebody let it go on; NULL while it pauses
    released INTEGER
) STRICT;

-- Bounces with a good token that nobody understands, and complaints; the latest few hundred.
CREATE TABLE strange (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    list TEXT NOT NULL,
    kind TEXT NOT NULL,
    what TEXT NOT NULL,
    -- its beginning
    mail BLOB NOT NULL
) STRICT;
CREATE INDEX strange_at ON strange (at);
