"""Typst in a process of its own: what it keeps in memory between documents would stay in the web process, up to a gigabyte.

`python -I typesetting.py SECONDS` reads plain data as JSON and writes a PDF of that time since 1970; it alone imports typst.
"""

import os
import resource
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).with_name("typeset")
"""All that a document can read: its template, nothing else of the machine, and no package from the network."""
WALL_SECONDS = 60
MEMORY_BYTES = 4 << 30
FEW_THREADS = {"RAYON_NUM_THREADS": "2", "MALLOC_ARENA_MAX": "2"}
"""Each thread reserves memory that counts against the bound, so a machine with many cores would pass it at once."""


class NotTypeset(Exception):
    """A document that takes too long, needs too much memory or that typst refuses; the message says why."""


def typeset(data: str, seconds: int) -> bytes:
    """The PDF/A-2a and PDF/UA-1 document that the template makes of `data`, JSON. Raises NotTypeset.

    The same two give the same bytes: the fonts are those inside the typst package, and `seconds` is the document's time.
    """
    try:
        done = subprocess.run(  # noqa: S603 - our own module
            [sys.executable, "-I", __file__, str(seconds)],
            input=data.encode(),
            capture_output=True,
            env={**os.environ, **FEW_THREADS},
            timeout=WALL_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as stopped:
        raise NotTypeset(f"it takes longer than {WALL_SECONDS} seconds") from stopped
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise NotTypeset(said[-1] if done.returncode == 1 and said else "it needs too much memory")
    return done.stdout


def _serve(data: str, seconds: int) -> bytes:
    import typst  # large: only this process loads it

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    return typst.compile(
        FOLDER / "card.typ",
        root=FOLDER,
        format="pdf",
        ignore_system_fonts=True,
        package_path=FOLDER,
        package_cache_path=FOLDER,
        sys_inputs={"card": data},
        pdf_standards=["a-2a", "ua-1"],
        timestamp=seconds,
    )


if __name__ == "__main__":
    sys.stdout.buffer.write(_serve(sys.stdin.buffer.read().decode(), int(sys.argv[1])))
