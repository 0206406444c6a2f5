"""The verifier is meant to be read: what it imports of ours, and how long that is."""

import ast
import io
import subprocess
import sys
import tokenize
from pathlib import Path

from django.conf import settings

BLANK = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
}
NAMES = """
import sys, governance.ledger.verify
print(*(f"{n}={m.__file__}" for n, m in sys.modules.items() if n.startswith("governance")), sep="\\n")
"""
PROOF_CODE = 820
"""Lines that check log, proofs, signatures and bundles."""
FACTS = ("recompute", "opening")
WITH_FACTS = 1050
"""And those that recompute an evidence document's facts and open its commitments (FACTS)."""


def ours() -> dict[str, Path]:
    """The modules of this project that the verifier loads, packages' empty files left out."""
    found = subprocess.run(
        [sys.executable, "-c", NAMES], cwd=settings.BASE_DIR, capture_output=True, text=True, check=True
    )
    modules = dict(line.split("=", 1) for line in found.stdout.splitlines())
    return {name: Path(place) for name, place in modules.items() if not place.endswith("__init__.py")}


def lines_of_code(path: Path) -> int:
    """Lines that hold a token, comments and docstrings left out."""
    text = path.read_text()
    lines = {
        number
        for token in tokenize.generate_tokens(io.StringIO(text).readline)
        if token.type not in BLANK
        for number in range(token.start[0], token.end[0] + 1)
    }
    for node in ast.walk(ast.parse(text)):
        if (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str)
        ):
            lines -= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return len(lines)


def test_the_verifier_is_read_in_one_sitting():
    lengths = {name.rpartition(".")[2]: lines_of_code(path) for name, path in ours().items()}
    assert {"verify", "policy", "proof", "bundle", "note", "tree", "dsse", "canonical"} < lengths.keys()
    assert sum(lengths.values()) < WITH_FACTS, lengths
    assert sum(lengths.values()) - sum(lengths[name] for name in FACTS) < PROOF_CODE, lengths
