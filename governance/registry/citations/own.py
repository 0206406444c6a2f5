"""Citations that stand in content which governance reads itself: guidelines, datasets, rewards, suites, gates, policies."""

from collections.abc import Callable, Iterator

from governance.registry.citations.sources import Found
from governance.registry.kinds import dataset, guideline, policy, release_policy, reward_model
from governance.registry.models import Version


def of_version(version: Version) -> Iterator[Found]:
    """What the sealed content of `version` cites by name; what rows and items cite is for the rooms above to find.

    What is internal, or stands in a restricted policy, is no public text.
    """
    if find := FINDERS.get(version.kind):
        found = find(version.parsed())
        yield from (one for one in found if one.area != "text" or not version.restricted)


def area_of_rows(content: dataset.Content) -> str:
    """Rows in the format of evaluation items test a principle; others teach it."""
    return "eval" if content.format == "items" else "rows"


def _guideline(content: guideline.Content) -> Iterator[Found]:
    cited = {section.id: sorted(set(section.cites)) for section in content.sections}
    for section, cites in cited.items():
        yield from (Found("guideline", cite, f"section {section}", 1) for cite in cites)
    for example in content.examples:
        for cite in cited.get(example.section or "", []):
            yield Found("guideline", cite, f"worked example {example.id} of section {example.section}", 1)


def _dataset(content: dataset.Content) -> Iterator[Found]:
    for cite in sorted(set(content.cites)):
        yield Found(area_of_rows(content), cite, "declared for all rows", content.rows)


def _reward(content: reward_model.Content) -> Iterator[Found]:
    place = "judge prompt" if content.type == "judge" else f"{content.type} reward"
    yield from (Found("reward", cite, place, 1) for cite in sorted(set(content.cites)))


def _gates(content: release_policy.Content) -> Iterator[Found]:
    for rule in content.rules:
        yield from (Found("gate", cite, f"rule {rule.id}", 1) for cite in sorted(set(rule.cites)))


def _policy(content: policy.Content) -> Iterator[Found]:
    for rule in content.rules:
        if rule.visibility == "public":
            yield from (Found("text", cite, f"rule {rule.id}", 1) for cite in sorted(set(rule.cites)))


FINDERS: dict[str, Callable[..., Iterator[Found]]] = {
    "guideline": _guideline,
    "dataset": _dataset,
    "reward-model": _reward,
    "release-policy": _gates,
    "policy": _policy,
}
