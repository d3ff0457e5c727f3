-- What an admin has set for a list with listctl (`listctl list set`). Never edit an applied migration.

CREATE TABLE override (
    list TEXT NOT NULL,
    -- as in [list]
    key TEXT NOT NULL,
    -- JSON: the texts as they were written
    value TEXT NOT NULL,
    PRIMARY KEY (list, key)
) STRICT, WITHOUT ROWID;
