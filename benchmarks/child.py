"""`python -m benchmarks.child MODULE [--quick]`: one benchmark in a process of its own; a JSON line for each figure."""

import importlib
import json
import sys
from dataclasses import asdict

import django


def main(module: str, quick: bool) -> None:
    django.setup()
    for figure in importlib.import_module(module).figures(quick):
        print(json.dumps(asdict(figure)), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], "--quick" in sys.argv[2:])
