-- Schema version 1 as the program wrote it: never changed, so that files of that time stay readable.
CREATE TABLE chain (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    genesis_hash BLOB NOT NULL,
    genesis_number INTEGER NOT NULL
) STRICT;
CREATE TABLE block (
    hash BLOB PRIMARY KEY CHECK (length(hash) = 32),
    number INTEGER NOT NULL,
    parent BLOB NOT NULL CHECK (length(parent) = 32),
    header BLOB NOT NULL,
    body BLOB NOT NULL,
    final INTEGER NOT NULL DEFAULT 0 CHECK (final IN (0, 1))
) STRICT;
CREATE INDEX block_by_number ON block (number);
CREATE UNIQUE INDEX final_block_by_number ON block (number) WHERE final = 1;
CREATE TABLE state (
    number INTEGER PRIMARY KEY,
    bytes BLOB NOT NULL
) STRICT;
CREATE TABLE certificate (
    number INTEGER PRIMARY KEY,
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    set_id INTEGER NOT NULL,
    bytes BLOB NOT NULL
) STRICT;
CREATE INDEX certificate_by_set ON certificate (set_id, number);
CREATE TABLE evidence (
    set_id INTEGER NOT NULL,
    offender BLOB NOT NULL CHECK (length(offender) = 32),
    round INTEGER NOT NULL,
    phase INTEGER NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (set_id, offender, round, phase)
) STRICT, WITHOUT ROWID;
CREATE TABLE alarm (
    set_id INTEGER PRIMARY KEY,
    bytes BLOB NOT NULL
) STRICT;
CREATE TABLE ban (
    peer BLOB PRIMARY KEY,
    until INTEGER NOT NULL,
    count INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE address (
    peer BLOB NOT NULL,
    address TEXT NOT NULL,
    last_seen INTEGER NOT NULL,
    PRIMARY KEY (peer, address)
) STRICT, WITHOUT ROWID;
CREATE INDEX address_by_age ON address (last_seen);
PRAGMA application_id = 1363690562;
PRAGMA user_version = 1;
