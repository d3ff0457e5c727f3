-- The queue, the recipients, what became of them, and the directory's replica.
-- Times are milliseconds since 1970 (UTC). Blobs begin with a version byte. Never edit an applied migration.

CREATE TABLE mail (
    id INTEGER PRIMARY KEY,
    message_id TEXT NOT NULL,
    sender TEXT,
    received INTEGER NOT NULL,
    utf8 INTEGER NOT NULL,
    size INTEGER NOT NULL,
    -- 1: the body is the file ID.mail in the spool directory, as long as a post needs it
    spilled INTEGER NOT NULL,
    -- NULL: it is a file, or no post needs it any more
    body BLOB
) STRICT;
CREATE INDEX mail_message_id ON mail (message_id);

CREATE TABLE post (
    id INTEGER PRIMARY KEY,
    mail INTEGER NOT NULL REFERENCES mail (id),
    list TEXT NOT NULL,
    expires INTEGER NOT NULL,
    -- batches with unfinished recipients
    unfinished INTEGER NOT NULL,
    -- the last thing that happened to it
    last INTEGER NOT NULL,
    -- version 1: JSON
    frozen BLOB NOT NULL
) STRICT;
CREATE INDEX post_mail ON post (mail);
CREATE INDEX post_unfinished ON post (unfinished) WHERE unfinished > 0;
CREATE INDEX post_last ON post (last) WHERE unfinished = 0;

-- One person at one mailbox. The number is in bounce addresses, so it is never used again.
CREATE TABLE recipient (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    -- '' = nobody in the directory
    person TEXT NOT NULL,
    mailbox TEXT NOT NULL,
    address TEXT NOT NULL,
    name TEXT,
    language TEXT,
    UNIQUE (person, mailbox)
) STRICT;

CREATE TABLE batch (
    post INTEGER NOT NULL REFERENCES post (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    -- NULL = finished
    due INTEGER,
    waiting INTEGER NOT NULL,
    deferred INTEGER NOT NULL,
    -- version 1: postcard, the numbers of the recipients
    recipients BLOB NOT NULL,
    -- version 1: postcard, in the same order
    outcomes BLOB NOT NULL,
    PRIMARY KEY (post, number)
) STRICT;
CREATE INDEX batch_due ON batch (due) WHERE due IS NOT NULL;

-- Duplicate control (rule L4).
CREATE TABLE seen (
    list TEXT NOT NULL,
    -- 'list' or a role
    way TEXT NOT NULL,
    message_id TEXT NOT NULL,
    digest BLOB NOT NULL,
    post INTEGER NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (list, way, message_id, digest)
) STRICT, WITHOUT ROWID;
CREATE INDEX seen_at ON seen (at);

CREATE TABLE trace (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    message_id TEXT NOT NULL,
    -- version 1: JSON
    event BLOB NOT NULL
) STRICT;
CREATE INDEX trace_message_id ON trace (message_id);
CREATE INDEX trace_at ON trace (at);

CREATE TABLE bounce (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    recipient INTEGER,
    -- version 1: JSON
    event BLOB NOT NULL
) STRICT;
CREATE INDEX bounce_at ON bounce (at);
CREATE INDEX bounce_recipient ON bounce (recipient);

-- The directory room's own forms.
CREATE TABLE replica (
    uuid TEXT PRIMARY KEY,
    data BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE replica_meta (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    cookie BLOB NOT NULL,
    at INTEGER NOT NULL
) STRICT;
