"""The public log in the C2SP tlog-tiles layout (c2sp.org/tlog-tiles), for anybody's client; off unless LEDGER_PUBLIC is set."""

from collections.abc import Callable
from functools import wraps

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from governance.ledger import keys, publish
from governance.ledger.tiling import TILE_WIDTH, tile_number

FOR_EVER = "public, max-age=31536000, immutable"
TEXT, BYTES, LINES = "text/plain; charset=utf-8", "application/octet-stream", "application/jsonl"
PLACE = r"(?P<path>(?:x[0-9]{3}/){0,5}[0-9]{3})(?:\.p/(?P<width>[1-9][0-9]{0,2}))?"

NO_POLICY = "This server cannot read the log's policy; whoever runs it makes policy.txt readable here."

View = Callable[..., HttpResponse]


def public(view: View) -> View:
    """Without session or cookies; 404 with a sentence while the log is not public and for whatever it does not have."""

    @require_safe
    @wraps(view)
    def guarded(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        if not settings.LEDGER_PUBLIC:
            return _told(
                "This log is not public. Whoever runs it switches that on with LEDGER_PUBLIC=1.", 404
            )
        try:
            return view(request, *args, **kwargs)
        except (publish.NotThere, ValueError) as error:
            return _told(str(error), 404)

    return guarded


@public
def checkpoint(_: HttpRequest) -> HttpResponse:
    """The newest checkpoint that satisfies the policy's quorum, so that no client sees one that it must refuse; else 503."""
    try:
        note = publish.checkpoint()
    except publish.NotWitnessed as error:
        return _told(str(error), 503)
    except keys.KeyUnavailable:
        return _told(NO_POLICY, 503)
    return _answer(note.encode(), TEXT, "no-cache")


@public
def tile(_: HttpRequest, level: str, path: str, width: str | None = None) -> HttpResponse:
    return _answer(publish.tile(int(level), tile_number(path), _width(width)), BYTES, FOR_EVER)


@public
def entries(_: HttpRequest, path: str, width: str | None = None) -> HttpResponse:
    return _answer(publish.entries(tile_number(path), _width(width)), BYTES, FOR_EVER)


@public
def parts(_: HttpRequest, path: str, width: str | None = None) -> HttpResponse:
    """Never cached: what is erased must be gone."""
    return _answer(publish.parts(tile_number(path), _width(width)), LINES, "no-store")


def _width(text: str | None) -> int:
    if text is None:
        return TILE_WIDTH
    if int(text) >= TILE_WIDTH:
        raise ValueError(f"a partial tile has fewer than {TILE_WIDTH} hashes")
    return int(text)


def _answer(body: bytes, kind: str, caching: str) -> HttpResponse:
    response = HttpResponse(body, content_type=kind, headers={"Cache-Control": caching})
    response["Access-Control-Allow-Origin"] = "*"
    return response


def _told(sentence: str, status: int) -> HttpResponse:
    return HttpResponse(
        f"{sentence}\n", status=status, content_type=TEXT, headers={"Cache-Control": "no-cache"}
    )
