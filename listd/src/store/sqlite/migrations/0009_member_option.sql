-- What members wish of lists. Never edit an applied migration.

CREATE TABLE member_option (
    -- person:ID, else a lower-case address
    who TEXT NOT NULL,
    -- '' = all lists
    list TEXT NOT NULL,
    -- version 1: JSON
    choice BLOB NOT NULL,
    PRIMARY KEY (who, list)
) STRICT, WITHOUT ROWID;
