-- Mail that waits for somebody's word, the questions that were asked, and what is remembered of people. Never edit an
-- applied migration.

-- A post that is not distributed yet; the body is its mail's.
CREATE TABLE held (
    id INTEGER PRIMARY KEY,
    mail INTEGER NOT NULL REFERENCES mail (id),
    list TEXT NOT NULL,
    -- the desk's own counting
    step INTEGER NOT NULL,
    -- when the desk acts next; NULL = never again
    next INTEGER,
    -- NULL = it waits
    ended_at INTEGER,
    -- version 1: JSON
    held BLOB NOT NULL,
    -- version 1: JSON; who decided, and how
    ended BLOB
) STRICT;
CREATE INDEX held_mail ON held (mail);
CREATE INDEX held_next ON held (next) WHERE next IS NOT NULL;
CREATE INDEX held_waiting ON held (list) WHERE ended_at IS NULL;
CREATE INDEX held_ended ON held (ended_at) WHERE ended_at IS NOT NULL;

CREATE TABLE ticket (
    number INTEGER PRIMARY KEY,
    -- the held mail that it is about
    post INTEGER,
    expires INTEGER NOT NULL,
    -- version 1: JSON
    ticket BLOB NOT NULL
) STRICT;
CREATE INDEX ticket_post ON ticket (post) WHERE post IS NOT NULL;
CREATE INDEX ticket_expires ON ticket (expires);

CREATE TABLE mark (
    kind TEXT NOT NULL,
    -- a lower-case address, or person:ID
    who TEXT NOT NULL,
    -- '' = everywhere
    list TEXT NOT NULL,
    value TEXT NOT NULL,
    -- NULL = for ever
    until INTEGER,
    PRIMARY KEY (kind, who, list, value)
) STRICT, WITHOUT ROWID;
CREATE INDEX mark_until ON mark (until) WHERE until IS NOT NULL;
