"""`python -m governance.registry.datasets FILE`: what a data file holds, and how fast it was read; needs no installation."""

import json
import sys
import time
from pathlib import Path

from governance.registry.datasets import BadData, inspect


def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m governance.registry.datasets FILE\n")
        return 2
    path = Path(arguments[0])
    begun = time.process_time()
    try:
        found = inspect(path)
    except (BadData, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    seconds = time.process_time() - begun
    told = {
        "format": found.format,
        "conversational": found.conversational,
        "rows": found.rows,
        "rows_digest": found.rows_digest,
        "cpu_seconds": round(seconds, 3),
        "megabytes_a_second": round(path.stat().st_size / 1e6 / max(seconds, 1e-6), 1),
    }
    sys.stdout.write(json.dumps(told, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
