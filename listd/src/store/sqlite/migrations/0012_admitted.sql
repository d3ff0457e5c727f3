-- Who was let onto a list beside the directory. Never edit an applied migration.

CREATE TABLE admitted (
    list TEXT NOT NULL,
    -- the address in the form in which mailboxes are compared
    mailbox TEXT NOT NULL,
    -- version 1: JSON
    admitted BLOB NOT NULL,
    PRIMARY KEY (list, mailbox)
) STRICT, WITHOUT ROWID;
