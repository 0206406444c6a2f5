"""What people wrote for the card: the newest approved card text about the subject, each part with its author and day."""

from collections.abc import Iterator

from governance.evidence.build import from_body, in_content
from governance.evidence.facts import Fact
from governance.evidence.records import Sealed
from governance.evidence.view import View
from governance.registry import states
from governance.registry.kinds import card_text
from governance.registry.models import Version


def facts(view: View) -> Iterator[Fact]:
    """One fact a text, with who said it, on which day, and what it speaks of; stale where that has moved on since."""
    text = _approved(view)
    if text is None or text.erased:
        return
    for field, said in text.content["fields"].items():
        at = f"/fields/{field}"
        yield from in_content(f"{field}.written", "as people wrote it", text, f"{at}/text")
        yield from in_content(f"{field}.written_by", "written by", text, f"{at}/author")
        yield from in_content(f"{field}.written_as_of", "true on", text, f"{at}/as_of")
        for place, _ in enumerate(said["speaks_of"], 1):
            pointer = f"{at}/speaks_of/{place - 1}/subject"
            yield from in_content(f"{field}.written_of_{place}", "speaks of", text, pointer)
        yield from_body(f"{field}.written_entry", "last recorded", text.record, "at")


def _approved(view: View) -> Sealed | None:
    """The approved card text with the highest number that speaks about the subject's artifact."""
    subject = view.subject.subject.partition("@")[0]
    rows = Version.objects.filter(artifact__kind=card_text.KIND.name, content__subject=subject).exclude(
        digest=None
    )
    pins = [(row.subject, str(row.digest)) for row in rows.select_related("artifact")]
    found = [text for text in view.versions(pins).values() if text.record.state["state"] == states.APPROVED]
    return max(found, key=lambda text: (text.record.entry_index, text.subject), default=None)
