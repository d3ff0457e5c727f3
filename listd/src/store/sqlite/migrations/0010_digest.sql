-- Mail that waits for somebody's digest, and in which one it went out. Never edit an applied migration.

CREATE TABLE digest (
    -- it keeps its body as long as it waits here
    post INTEGER NOT NULL REFERENCES post (id) ON DELETE CASCADE,
    -- whose digest: the number in `recipient`
    recipient INTEGER NOT NULL,
    -- where her outcome stands
    batch INTEGER NOT NULL,
    place INTEGER NOT NULL,
    -- when it was her turn; milliseconds since 1970
    at INTEGER NOT NULL,
    -- the post of the digest; NULL = it waits
    letter INTEGER,
    PRIMARY KEY (recipient, post)
) STRICT, WITHOUT ROWID;
CREATE INDEX digest_post ON digest (post);
CREATE INDEX digest_waits ON digest (recipient) WHERE letter IS NULL;
