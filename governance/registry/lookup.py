"""From what people write (`kind:slug`, `kind:slug@number`, a bare slug) to a version."""

import difflib
import re

from django.db.models import QuerySet

from governance.registry import kinds, states
from governance.registry.models import Artifact, Version

SUBJECT = re.compile(r"^(?:(?P<kind>[a-z-]+):)?(?P<slug>[A-Za-z0-9._-]+)(?:@(?P<number>[0-9]+))?$")


class NotFound(LookupError):
    """Nothing has that name; the message names the nearest."""


class Erased(LookupError):
    """What has that name held content, which was erased under a legal request."""


class Ambiguous(LookupError):
    """More than one artifact has that slug; the message lists them."""


def find_artifact(subject: str) -> Artifact:
    """The artifact that `subject` names. Raises NotFound, Ambiguous, UnknownKind."""
    match = SUBJECT.match(subject)
    if not match:
        raise NotFound(f"{subject!r} names no artifact: write kind:slug or kind:slug@number.")
    if match["kind"]:
        kinds.get(match["kind"])
    found = Artifact.objects.filter(slug=match["slug"], **({"kind": match["kind"]} if match["kind"] else {}))
    if len(found) > 1:
        raise Ambiguous(
            f"{match['slug']!r} could be {', '.join(artifact.name for artifact in found)}; write which."
        )
    if not found:
        raise NotFound(f"There is no {subject.split('@')[0]!r}.{_nearest(match)}")
    return found[0]


def find(subject: str, *, drafts: bool = False) -> Version:
    """The version that `subject` names; without a number the newest sealed one. Raises NotFound, Ambiguous, UnknownKind."""
    artifact = find_artifact(subject)
    versions: QuerySet[Version] = artifact.versions.select_related("artifact")
    number = SUBJECT.match(subject)["number"]  # type: ignore[index]
    if number:
        chosen = versions.filter(number=int(number[:9])).first()
    else:
        chosen = (versions if drafts else versions.exclude(state=states.DRAFT)).order_by("-number").first()
    if chosen is None:
        have = (
            ", ".join(str(one) for one in versions.order_by("number").values_list("number", flat=True)[:20])
            or "none"
        )
        raise NotFound(
            f"{artifact.name} has no {'version ' + number if number else 'sealed version'}; versions: {have}."
        )
    return chosen


def by_digest(digest: str) -> Version:
    """The version with that digest. Raises NotFound."""
    version = Version.objects.select_related("artifact").filter(digest=digest).first()
    if version is None:
        raise NotFound(f"No version has the digest {digest}.")
    return version


def _nearest(match: re.Match[str]) -> str:
    names = [f"{kind}:{slug}" for kind, slug in Artifact.objects.values_list("kind", "slug")[:5000]]
    wanted = f"{match['kind']}:{match['slug']}" if match["kind"] else match["slug"]
    pool = {name if match["kind"] else name.split(":", 1)[1]: name for name in names}
    near = difflib.get_close_matches(wanted, pool, n=3)
    return f" Did you mean {' or '.join(pool[name] for name in near)}?" if near else ""
