-- The safety catch (promise 6): what of each list was accepted last, and what is held since when.
-- The members room's own forms; they begin with a version byte.

CREATE TABLE accepted (
    -- the list's id, or the members room's own name for something else that it watches
    name TEXT PRIMARY KEY,
    data BLOB NOT NULL
) STRICT, WITHOUT ROWID;
