"""What to read with care in a comparison that can be made: warnings about items, tasks and the whole of it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from evals.statistics.decimals import p_text, text
from evals.statistics.intervals import average, zero_failure_upper
from evals.statistics.paired import Discordance, PairedDifference
from evals.statistics.ratios import error_ratio
from evals.statistics.scores import FEW_CLUSTERS

Item = Mapping[str, Any]
Pairs = Sequence[tuple[Item, Item]]

CEILING = 0.95
SERVED = "endpoint"
"""Part of the results that there is only where the model was asked over an endpoint."""
MACHINERY = ("harness", "libraries", "dtype", "batch_size", "device")


def about_items(doubled: set[str], only_a: Sequence[Item], only_b: Sequence[Item]) -> Iterable[str]:
    """Items that were counted once although they came again, and those that only one side was asked."""
    if doubled:
        yield f"Counted once although the suite holds them more than once: {_names(doubled)}."
    for side, items in (("a", only_a), ("b", only_b)):
        if items:
            yield f"Left out because only {side} was asked: {_names(str(item['item']) for item in items)}."


def about_task(
    pairs: Pairs, paired: PairedDifference, counts: Discordance | None, terms: Mapping[str, Any]
) -> Iterable[str]:
    """What one task's numbers hide: a ceiling, few clusters, single samples, a judge."""
    if told := _ceiling(paired, counts, higher=terms["direction"] == "higher"):
        yield f"Ceiling: both models are above {CEILING:.0%}, so differences are squeezed; {told}."
    if paired.clusters is not None and paired.clusters < FEW_CLUSTERS:
        yield f"Only {paired.clusters} clusters: too few for the clustered error, so whole clusters were resampled."
    if (terms.get("generation") or {}).get("do_sample") and _fewest_samples(pairs) == 1:
        yield "Responses were sampled once at a temperature above 0: the sampling adds noise that no interval shows."
    if judge := terms.get("judge"):
        yield (
            f"Scored by a judge ({judge}), which may prefer longer answers or the first place; {_lengths(pairs)}. "
            "Show both in random order, and read a length-controlled result beside this one."
        )


def about_samples(a: Mapping[str, Any], b: Mapping[str, Any]) -> Iterable[str]:
    """What is compared where items were sampled several times: each item's mean, whatever k was told of beside it."""
    counts = [side.get("samples", 1) for side in (a, b)]
    if counts[0] != counts[1]:
        yield (
            f"Items were sampled {counts[0]} times for a and {counts[1]} times for b: the means of their samples are compared, "
            "one of which is surer than the other; pass@k and maj@k of different k are not."
        )


def about_claim(p: float, corrected: float, family: int) -> str:
    """A gain by its own interval that is no claim among all metrics of the comparison."""
    return (
        f"Improved by its own interval, but no claim among {family} metrics: p {p_text(p)}, "
        f"after Holm's correction {p_text(corrected)}."
    )


def about_whole(a: Mapping[str, Any], b: Mapping[str, Any], unshared: Iterable[str]) -> Iterable[str]:
    """What two evaluations' results.json say of both runs: limits, tasks of one side, other machinery."""
    limits = [side.get("limit") for side in (a, b)]
    if any(limit is not None for limit in limits):
        yield f"A limit on items was set ({limits[0]} for a, {limits[1]} for b): this is a trial, not a measurement."
    if names := sorted(unshared):
        yield f"Not compared because only one side ran them: {', '.join(names)}."
    yield from _about_endpoints({"a": a.get(SERVED), "b": b.get(SERVED)})
    for field in MACHINERY:
        if a.get(field) != b.get(field):
            yield f"The {field} differs: {a.get(field)} for a, {b.get(field)} for b."


def _about_endpoints(sides: Mapping[str, Mapping[str, Any] | None]) -> Iterable[str]:
    served = {name: endpoint for name, endpoint in sides.items() if endpoint}
    if served:
        names = " and ".join(served)
        yield (
            f"Asked over an endpoint: {names}. Which weights answered, and through which chat template, is not known"
            f"{', so items are paired by what they ask and not by the prompt as rendered' if len(served) == 1 else ''}."
        )
    for name, endpoint in served.items():
        yield from (f"Of {name}: {warning}" for warning in endpoint["warnings"])


def _ceiling(paired: PairedDifference, counts: Discordance | None, *, higher: bool) -> str:
    """The errors of both models where few are left; empty where they are not."""
    shares = [1 - score if higher else score for score in (paired.mean_a, paired.mean_b)]
    if max(shares) >= 1 - CEILING:
        return ""
    for side, share in zip("ab", shares, strict=True):
        if share == 0:
            return f"{side} makes no error, so its error rate is at most {text(zero_failure_upper(paired.n))}"
    if counts is None:
        return f"the error rates' ratio is {text(shares[0] / shares[1])}"
    wrong_a, wrong_b = (round(share * paired.n) for share in shares)
    ratio = error_ratio(wrong_a, wrong_b, (wrong_a + wrong_b - counts.n10 - counts.n01) // 2, paired.n)
    return f"the error rates' ratio is {text(ratio.estimate)} ({text(ratio.lower)} to {text(ratio.upper)})"


def _fewest_samples(pairs: Pairs) -> int:
    return min(int(item.get("n_samples", 1)) for pair in pairs for item in pair)


def _lengths(pairs: Pairs) -> str:
    if any(item["response"] is None for pair in pairs for item in pair):
        return "how long the answers are is not recorded"
    a, b = (average([len(pair[side]["response"]) for pair in pairs]) for side in (0, 1))
    return f"a's answers have {text(a, 0)} characters on average, b's {text(b, 0)}"


def _names(ids: Iterable[str], shown: int = 5) -> str:
    names = sorted(ids)
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return f"{len(names)} ({', '.join(names[:shown])}{more})"
