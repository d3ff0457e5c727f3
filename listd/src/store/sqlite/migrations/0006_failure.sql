-- Failures to deliver to an address of a tenant, and how it stands because of them. Never edit an applied migration.

CREATE TABLE failure (
    domain TEXT NOT NULL,
    -- the address in the form in which mailboxes are compared
    mailbox TEXT NOT NULL,
    class TEXT NOT NULL,
    -- 1: it is a probe that failed
    probe INTEGER NOT NULL,
    -- days since 1970: several a day are one
    day INTEGER NOT NULL,
    at INTEGER NOT NULL,
    address TEXT NOT NULL,
    recipient INTEGER NOT NULL,
    list TEXT NOT NULL,
    said TEXT NOT NULL,
    PRIMARY KEY (domain, mailbox, class, probe, day)
) STRICT, WITHOUT ROWID;
CREATE INDEX failure_at ON failure (at);
CREATE INDEX failure_recipient ON failure (recipient);

CREATE TABLE standing (
    domain TEXT NOT NULL,
    mailbox TEXT NOT NULL,
    -- milliseconds since 1970; NULL while it is paused
    until INTEGER,
    -- version 1: JSON
    standing BLOB NOT NULL,
    PRIMARY KEY (domain, mailbox)
) STRICT, WITHOUT ROWID;
CREATE INDEX standing_until ON standing (until) WHERE until IS NOT NULL;
