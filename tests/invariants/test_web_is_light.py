"""A web process starts fast and stays small: it imports none of the libraries that jobs work with."""

import json
import subprocess
import sys
from pathlib import Path

HEAVY = ("torch", "transformers", "trl", "lm_eval", "datasets", "scipy", "pyarrow", "polars", "typst")
START = f"""
import json, sys
from config.asgi import application
from django.urls import get_resolver
get_resolver().url_patterns
print(json.dumps([name for name in {HEAVY} if name in sys.modules]))
"""


def test_a_web_process_with_all_its_addresses_imports_nothing_heavy(home):
    done = subprocess.run(
        [sys.executable, "-c", START],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).resolve().parents[2],
    )
    assert json.loads(done.stdout.splitlines()[-1]) == []
