"""Rows of a dataset, some at a time: conversations as turns, the answers of a pair side by side, everything else by name."""

import json
from typing import Any, NamedTuple

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from governance.cards.escaping import visible
from governance.registry import datasets, kinds, rows
from governance.registry.blobs import MissingBlob
from governance.registry.datasets.transcripts import split_conversations, split_transcripts
from governance.registry.models import Version
from governance.views.reading import version_or_404

PAGE = 20
HEAD = 700
"""Characters of a text that are shown; the rest is folded."""
LABEL = 100
LONGEST = 20_000
"""Characters of a text that are sent; the file has the rest."""
ANSWERS = ("chosen", "rejected")
NAMED = ("id", "label", "responses", "ranks")
"""Columns of a format that are no text: shown by name, or as answers."""
PAIRED = {"implicit-preference": split_conversations, "hh-rlhf": split_transcripts}


class Words(NamedTuple):
    """A text for a page: with its unseen characters made visible, folded where it is long."""

    head: str
    rest: str
    left: int
    """Characters that are not sent."""


@login_required
@require_safe
def dataset_rows(request: HttpRequest, subject: str) -> HttpResponse:
    version = version_or_404(request, subject)
    if version.kind != "dataset":
        raise Http404(f"{version.subject} is a {version.kind}; only datasets have rows.")
    context: dict[str, Any] = {"version": version, "kind": kinds.get(version.kind)}
    try:
        page = rows.page(version, place(request.GET.get("start", "")), PAGE)
    except rows.NotUnpacked as error:
        context["missing"] = {"text": str(error), "command": f"python manage.py scan {version.subject}"}
    except (rows.NoRows, MissingBlob, datasets.BadData) as error:
        context["missing"] = {"text": str(error)}
    else:
        context |= {"page": page, "rows": [told(row, version) for row in page.rows], "previous": before(page)}
    return render(request, "governance/dataset_rows.html", context)


def place(text: str) -> int:
    """The number of a row; 1 for what is none."""
    return max(1, int(text)) if text.isascii() and text.isdigit() and len(text) <= 15 else 1


def before(page: rows.Page) -> int | None:
    """Where the page before starts."""
    return max(1, min(page.start, page.total + 1) - PAGE) if page.start > 1 else None


def told(shown: rows.Shown, version: Version) -> dict[str, Any]:
    """A row for its template: `said` (title, turns), `answers` (title, note, turns) side by side, `others` (name, words)."""
    content = version.content or {}
    format, columns = content["format"], content["columns"]
    row = _prompted(datasets.renamed(shown.row, columns), format)
    answers = list(_answers(row, format))
    known = _columns(format, row)
    said = [(name, turns(row[name])) for name in known if name not in ANSWERS]
    hidden = {*known, *ANSWERS, "responses", "ranks"} if answers else set(known)
    hidden |= {columns[name] for name in known if name in columns}
    others = [(label(name), words(value)) for name, value in row.items() if name not in hidden]
    return {
        "number": shown.number,
        "sha256": shown.sha256,
        "said": said,
        "answers": answers,
        "others": others,
    }


def _prompted(row: dict[str, Any], format: str) -> dict[str, Any]:
    """The row with the prompt that its answers share, where that is implicit."""
    if format not in PAIRED:
        return row
    return {**row, **PAIRED[format](row["chosen"], row["rejected"])._asdict()}  # type: ignore[operator]


def _columns(format: str, row: dict[str, Any]) -> tuple[str, ...]:
    if format in PAIRED:
        return ("prompt", *ANSWERS)
    return tuple(name for name in datasets.FORMATS[format] if name in row and name not in NAMED)


def _answers(row: dict[str, Any], format: str) -> list[dict[str, Any]]:
    if format == "ranking":
        return [
            {"title": f"answer {number}", "note": f"rank {rank}", "turns": turns(answer)}
            for number, (answer, rank) in enumerate(zip(row["responses"], row["ranks"], strict=True), 1)
        ]
    if "chosen" in datasets.FORMATS[format]:
        return [{"title": side, "note": "", "turns": turns(row[side])} for side in ANSWERS]
    return []


def turns(said: Any) -> list[dict[str, Any]]:
    """What was said, turn by turn; a text is one turn without a role."""
    if not isinstance(said, list):
        return [{"role": "", "words": words(said), "others": []}]
    return [
        {
            "role": label(turn["role"]),
            "words": words(turn["content"]) if turn.get("content") else None,
            "others": [
                (label(name), words(value))
                for name, value in turn.items()
                if name not in ("role", "content") and value is not None
            ],
        }
        for turn in said
    ]


def label(name: str) -> str:
    """What somebody called a column or a role, on one line."""
    return visible(" ".join(name.split())[:LABEL])


def words(value: Any) -> Words:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=1)
    sent = visible(text[:LONGEST].replace("\r\n", "\n"))
    return Words(sent[:HEAD], sent[HEAD:], max(0, len(text) - LONGEST))
