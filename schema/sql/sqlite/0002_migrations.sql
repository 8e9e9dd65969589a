-- Which migrations a store has had. The number of the newest stands in user_version as well, where programs look that
-- know no more than the first. `applied` is in microseconds; NULL for what was applied before this table was there.

CREATE TABLE migrations (
    number INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    checksum BLOB NOT NULL,
    applied INTEGER,
    program TEXT NOT NULL
) STRICT;
