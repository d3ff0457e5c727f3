-- Originals that are kept for the spam filter to learn. Never edit an applied migration.

-- since when nothing else needs the body; NULL = something does, or it is gone
ALTER TABLE mail ADD COLUMN finished INTEGER;
CREATE INDEX mail_finished ON mail (finished) WHERE finished IS NOT NULL;
