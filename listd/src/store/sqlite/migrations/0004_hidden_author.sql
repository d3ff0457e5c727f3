-- The relay addresses that stand for hidden authors: to whom mail to `list-author+TOKEN` goes. Never edit an applied
-- migration.

CREATE TABLE hidden_author (
    list TEXT NOT NULL,
    -- what the token carries; one for an author, a list and 30 days
    number INTEGER NOT NULL,
    address TEXT NOT NULL,
    -- entryUUID; empty for somebody who is nobody in the directory
    person TEXT NOT NULL,
    -- she was on the list: the address dies when she leaves
    member INTEGER NOT NULL,
    -- milliseconds since 1970
    expires INTEGER NOT NULL,
    PRIMARY KEY (list, number)
) STRICT, WITHOUT ROWID;

CREATE INDEX hidden_author_expires ON hidden_author (expires);
