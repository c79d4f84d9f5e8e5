-- Schema version 1 as the program wrote it: never changed, so that files of that time stay readable.
CREATE TABLE log (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    identity BLOB NOT NULL
) STRICT;
CREATE TABLE floor (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    set_id INTEGER NOT NULL CHECK (set_id >= 0),
    round INTEGER NOT NULL CHECK (round >= 0)
) STRICT;
CREATE TABLE vote (
    set_id INTEGER NOT NULL CHECK (set_id >= 0),
    round INTEGER NOT NULL CHECK (round >= 0),
    phase INTEGER NOT NULL CHECK (phase IN (0, 1)),
    validator INTEGER NOT NULL CHECK (validator BETWEEN 0 AND 65535),
    record BLOB NOT NULL,
    checksum BLOB NOT NULL,
    PRIMARY KEY (set_id, round, phase, validator)
) STRICT;
CREATE TABLE item (
    kind INTEGER NOT NULL CHECK (kind IN (0, 1, 2)),
    set_id INTEGER NOT NULL CHECK (set_id >= 0),
    bytes BLOB NOT NULL,
    checksum BLOB NOT NULL,
    PRIMARY KEY (kind, set_id)
) STRICT;
CREATE TRIGGER vote_above_floor BEFORE INSERT ON vote
WHEN NOT EXISTS (SELECT 1 FROM floor WHERE NEW.set_id > set_id
    OR (NEW.set_id = set_id AND NEW.round >= round))
BEGIN SELECT RAISE(ABORT, 'a vote below the floor'); END;
CREATE TRIGGER vote_never_replaced BEFORE INSERT ON vote
WHEN EXISTS (SELECT 1 FROM vote WHERE set_id = NEW.set_id AND round = NEW.round
    AND phase = NEW.phase AND validator = NEW.validator)
BEGIN SELECT RAISE(ABORT, 'a second vote of one slot'); END;
CREATE TRIGGER vote_never_changed BEFORE UPDATE ON vote
BEGIN SELECT RAISE(ABORT, 'a vote is never changed'); END;
CREATE TRIGGER vote_kept_above_floor BEFORE DELETE ON vote
WHEN NOT EXISTS (SELECT 1 FROM floor WHERE OLD.set_id < set_id
    OR (OLD.set_id = set_id AND OLD.round < round))
BEGIN SELECT RAISE(ABORT, 'a vote above the floor is kept'); END;
CREATE TRIGGER floor_never_falls BEFORE UPDATE ON floor
WHEN NEW.set_id < OLD.set_id
    OR (NEW.set_id = OLD.set_id AND NEW.round < OLD.round)
BEGIN SELECT RAISE(ABORT, 'the floor never falls'); END;
CREATE TRIGGER floor_kept BEFORE DELETE ON floor
BEGIN SELECT RAISE(ABORT, 'the floor is kept'); END;
PRAGMA application_id = 1363694412;
PRAGMA user_version = 1;
