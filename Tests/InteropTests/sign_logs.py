"""Reads the sign logs of nodes that have stopped, and tells of slots that were signed more than once.

    sign_logs.py FILE...

A slot is a validator set, a round, a phase and a validator. Standard output: how many slots there are in
all; the exit status is 1 when one of them is in two logs, or twice in one, or when a log has none.
"""

import sqlite3
import sys


def main():
    seen = {}
    for path in sys.argv[1:]:
        log = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        slots = log.execute("SELECT set_id, round, phase, validator FROM vote").fetchall()
        log.close()
        if not slots:
            raise SystemExit(f"{path} has no vote")
        for slot in slots:
            if slot in seen:
                raise SystemExit(f"{slot} is in {seen[slot]} and in {path}")
            seen[slot] = path
    print(len(seen))


if __name__ == "__main__":
    main()
