-- Where a stream begins that came from a store whose retention had taken its first rows away: place and hash of the
-- last row that is gone, 0 and zeros when none is.

ALTER TABLE streams ADD COLUMN detached_seq INTEGER NOT NULL DEFAULT 0;
ALTER TABLE streams ADD COLUMN detached_hash BLOB NOT NULL
    DEFAULT X'0000000000000000000000000000000000000000000000000000000000000000';
