-- Until when decisions of other lanes look at an entity, in microseconds; NULL where they do not. What they look at is
-- found without reading all entities. No entity had anything of the kind before.

ALTER TABLE entities ADD COLUMN watched_until INTEGER;
CREATE INDEX entities_watched ON entities (tenant, subject, watched_until) WHERE watched_until IS NOT NULL;
