"""What a version of a model is held against: the anchor of its line, and its predecessor."""

from django.db import transaction
from django.utils import timezone

from evals.events import EvalEvent
from evals.models import Anchor
from governance.ledger.actors import Actor
from governance.ledger.append import append
from governance.registry import erasure, lineage, states
from governance.registry.actions import Refused
from governance.registry.models import Artifact, Version

ACTION = "evals:anchor:set"
KIND = "model"
MAX_REASON = 10_000


def anchor_of(artifact: Artifact) -> Anchor | None:
    """The anchor of a line of models, if somebody has set one."""
    return Anchor.objects.select_related("artifact", "version__artifact").filter(artifact=artifact).first()


@transaction.atomic
def set_anchor(version: Version, *, reason: str, actor: Actor, artifact: Artifact | None = None) -> Anchor:
    """Make `version` the anchor of its line; another one before is replaced, visibly. Raises Refused.

    `artifact` is the line that the caller speaks of, where that is said apart from the version.
    """
    line = Artifact.objects.select_for_update().get(pk=version.artifact_id)
    _require_usable(version, artifact or line)
    said = reason.strip()
    if not said:
        raise Refused("reason: say why this release is the one that later versions are held against.")
    if len(said) > MAX_REASON:
        raise Refused(f"reason: it has {len(said):,} characters; at most {MAX_REASON:,} are kept.")
    row = anchor_of(line)
    if row is not None and row.version_id == version.pk:
        raise Refused(f"{version.subject} is the anchor of {line.name} already.")
    op = EvalEvent.ANCHOR_MOVED if row else EvalEvent.ANCHOR_SET
    row = row or Anchor(artifact=line)
    row.version, row.reason, row.by, row.at = version, said, str(actor), timezone.now()
    append(row, op=op, actor=actor, fields=Anchor.CHOICE)
    return row


def _require_usable(version: Version, line: Artifact) -> None:
    if version.kind != KIND:
        raise Refused(f"{version.subject} is a {version.kind}; only a model has an anchor.")
    if version.artifact_id != line.pk:
        raise Refused(f"{version.subject} is no version of {line.name}; name one of its own.")
    if version.state not in states.USABLE:
        raise Refused(
            f"{version.subject} is {version.state.replace('_', ' ')}; an anchor is sealed and not withdrawn."
        )
    if version.content is None:
        raise Refused(f"{erasure.told(version)} Choose another version.")


def predecessor_of(version: Version) -> Version | None:
    """The version before it that still stands; without one, the nearest model above it by weight that does."""
    earlier = version.artifact.versions.select_related("artifact").filter(
        number__lt=version.number, state__in=states.USABLE
    )
    return earlier.order_by("-number").first() or next(
        (
            one
            for one in lineage.ancestors(version, "weight")
            if one.kind == KIND and one.state in states.USABLE
        ),
        None,
    )
