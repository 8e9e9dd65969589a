-- The first schema of a SQLite store. docs/reference/journal.md explains the journal's columns.
--
-- A page is written whole for every commit that touches it, so the tables are laid out to touch few of them:
-- the journal has no index but its place, and rows that come and go (outbox, pending) are keyed by place.

CREATE TABLE store (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    partitions INTEGER NOT NULL,
    simulated INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE tenants (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;

-- Texts that many journal rows repeat: kinds, rules, rule set versions. 0 stands for the empty text.
CREATE TABLE words (
    id INTEGER PRIMARY KEY,
    text TEXT NOT NULL UNIQUE
) STRICT;

-- seq and hash are those of the stream's last row. Rows after `indexed` are not yet in `subjects`.
CREATE TABLE streams (
    id INTEGER PRIMARY KEY,
    tenant INTEGER NOT NULL,
    name TEXT NOT NULL,
    seq INTEGER NOT NULL,
    hash BLOB NOT NULL,
    indexed INTEGER NOT NULL DEFAULT 0,
    UNIQUE (tenant, name)
) STRICT;

-- position = streams.id * 2^40 + seq. kind, cause_rule and ruleset are ids of words.
CREATE TABLE journal (
    position INTEGER PRIMARY KEY,
    time INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    subject TEXT NOT NULL,
    entity_version INTEGER NOT NULL,
    cause_event TEXT NOT NULL,
    cause_rule INTEGER NOT NULL,
    ruleset INTEGER NOT NULL,
    actor TEXT NOT NULL,
    previous INTEGER NOT NULL,
    body_digest BLOB NOT NULL,
    hash BLOB NOT NULL,
    salt BLOB,
    body TEXT
) STRICT;

-- The last row about each subject up to `streams.indexed`; the journal's `previous` leads on from there. Written for
-- thousands of rows at once: each would else dirty a page of its own.
CREATE TABLE subjects (
    tenant INTEGER NOT NULL,
    subject TEXT NOT NULL,
    stream INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (tenant, subject, stream)
) STRICT, WITHOUT ROWID;

-- key = 16 bytes of SHA-256(tenant NUL id), then 16 of SHA-256(source): unique, and ordered by id.
CREATE TABLE seen (
    key BLOB NOT NULL PRIMARY KEY,
    stream INTEGER NOT NULL,
    event_seq INTEGER NOT NULL,
    decision_seq INTEGER NOT NULL,
    content_digest BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- email is the normalised address of a living entity that has the field, else NULL.
CREATE TABLE entities (
    id INTEGER PRIMARY KEY,
    tenant INTEGER NOT NULL,
    subject TEXT NOT NULL,
    version INTEGER NOT NULL,
    email TEXT,
    fields TEXT NOT NULL,
    meta TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX entities_by_subject ON entities (tenant, subject);
CREATE INDEX entities_by_email ON entities (tenant, email, subject) WHERE email IS NOT NULL;

-- The largest place and number ever used, and how many rows the partition's outbox has now.
CREATE TABLE counters (
    partition INTEGER PRIMARY KEY,
    place INTEGER NOT NULL,
    number INTEGER NOT NULL,
    outbox_rows INTEGER NOT NULL
) STRICT;

-- In pending, outbox and dead_letters: position = partition * 2^40 + place or number.
CREATE TABLE pending (
    position INTEGER PRIMARY KEY,
    tenant INTEGER NOT NULL,
    subject TEXT NOT NULL,
    kind TEXT NOT NULL,
    event TEXT NOT NULL,
    context TEXT NOT NULL,
    event_seq INTEGER NOT NULL
) STRICT;

CREATE TABLE outbox (
    position INTEGER PRIMARY KEY,
    tenant INTEGER NOT NULL,
    lane TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    created INTEGER NOT NULL,
    next_attempt INTEGER NOT NULL,
    body TEXT NOT NULL
) STRICT;

CREATE TABLE dead_letters (
    position INTEGER PRIMARY KEY,
    tenant INTEGER NOT NULL,
    lane TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    created INTEGER NOT NULL,
    next_attempt INTEGER NOT NULL,
    body TEXT NOT NULL,
    key TEXT NOT NULL,
    reason TEXT NOT NULL,
    status INTEGER NOT NULL,
    since INTEGER NOT NULL
) STRICT;
CREATE INDEX dead_letters_by_key ON dead_letters (tenant, key);

CREATE TABLE timers (
    tenant INTEGER NOT NULL,
    subject TEXT NOT NULL,
    name TEXT NOT NULL,
    partition INTEGER NOT NULL,
    due INTEGER NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (tenant, subject, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX timers_by_due ON timers (due, subject, name);

CREATE TABLE blocked_lanes (
    tenant INTEGER NOT NULL,
    subject TEXT NOT NULL,
    partition INTEGER NOT NULL,
    reason TEXT NOT NULL,
    event TEXT NOT NULL,
    since INTEGER NOT NULL,
    PRIMARY KEY (tenant, subject)
) STRICT, WITHOUT ROWID;

CREATE TABLE continuations (
    tenant INTEGER NOT NULL,
    id TEXT NOT NULL,
    partition INTEGER NOT NULL,
    subject TEXT NOT NULL,
    continuation TEXT NOT NULL,
    context TEXT NOT NULL,
    PRIMARY KEY (tenant, id)
) STRICT;
CREATE INDEX continuations_by_subject ON continuations (tenant, subject);

CREATE TABLE rule_sets (
    tenant INTEGER NOT NULL,
    version TEXT NOT NULL,
    files TEXT NOT NULL,
    PRIMARY KEY (tenant, version)
) STRICT;

CREATE TABLE keys (
    id TEXT PRIMARY KEY NOT NULL,
    tenant INTEGER NOT NULL,
    name TEXT NOT NULL,
    secret_digest BLOB NOT NULL,
    scopes TEXT NOT NULL,
    created INTEGER NOT NULL,
    expires INTEGER,
    revoked INTEGER
) STRICT;

CREATE TABLE requests (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant TEXT NOT NULL,
    command TEXT NOT NULL,
    arguments TEXT NOT NULL,
    actor TEXT NOT NULL,
    made INTEGER NOT NULL,
    answer TEXT
) STRICT;
CREATE INDEX requests_unanswered ON requests (number) WHERE answer IS NULL;
