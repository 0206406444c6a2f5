"""What lies around a version: level by level, either way, by ancestry, never more than asked for."""

import pytest

from governance.registry import actions, lineage, lookup, neighbourhood
from governance.registry.models import Activity, Version
from tests import builders
from tests.builders import ADA, POLLY

pytestmark = pytest.mark.django_db


def prompt(slug: str, text: str = "") -> Version:
    """The cheapest sealed version."""
    return actions.register("system-prompt", slug, {"text": text or slug}, actor=POLLY)


def made(used, *produced: Version, label: str = "work") -> Activity:
    activity = actions.start_activity("training", label, used, summary={}, actor=ADA)
    outputs = [("output", version) for version in produced]
    return actions.end_activity(activity, state=Activity.ENDED, produced=outputs, summary={}, actor=ADA)


def around(version: Version, direction="both", ancestry=None, depth=8, **kwargs):
    return neighbourhood.around(version.pk, direction=direction, ancestry=ancestry, depth=depth, **kwargs)


def steps(found) -> dict[str, int]:
    names = {version.pk: version.artifact.slug for version in Version.objects.select_related("artifact")}
    return {names[key]: step for key, step in found.steps.items()}


@pytest.fixture
def r1() -> Version:
    """DeepSeek-R1's lineage: R1-Zero taught the cold start that R1 was trained on, and gave it no weights."""
    base, zero, cold, reward, r1 = map(prompt, ("base", "zero", "cold", "reward", "r1"))
    made([("init_from", base)], zero)
    made([("teacher", zero)], cold)
    made([("init_from", base), ("trained_on", cold), ("reward", reward)], r1)
    made([("init_from", r1)], prompt("distilled"))
    return r1


def test_both_ways_with_their_distances(r1):
    assert steps(around(r1)) == {
        "r1": 0,
        "base": -1,
        "cold": -1,
        "reward": -1,
        "zero": -2,
        "distilled": 1,
    }


def test_one_way_only(r1):
    assert set(steps(around(r1, "descendants"))) == {"r1", "distilled"}
    assert "distilled" not in steps(around(r1, "ancestors"))


@pytest.mark.parametrize("ancestry", ["weight", "data", "feedback"])
def test_an_ancestry_is_the_one_that_the_registry_means(r1, ancestry):
    found = around(r1, "ancestors", ancestry)
    known = {version.pk for version in lineage.ancestors(r1, ancestry)}
    assert known <= set(found.steps)
    assert len(found.steps) == len(known) + 1, "nothing else, as nothing else lies on the way"


def test_descendants_mirror_ancestors(r1):
    base, cold = lookup.find("system-prompt:base"), lookup.find("system-prompt:cold")
    assert steps(around(base, "descendants", "data")) == {
        "base": 0,
        "zero": 1,
        "cold": 2,
        "r1": 3,
        "distilled": 4,
    }
    assert set(steps(around(cold, "descendants", "weight"))) == {"cold"}
    assert set(steps(around(cold, "descendants", "data"))) == {"cold", "r1", "distilled"}


def test_depth_ends_it_and_says_where_it_goes_on(r1):
    found = around(r1, depth=1)
    names = {version.pk: version.artifact.slug for version in Version.objects.select_related("artifact")}
    assert "zero" not in steps(found)
    assert {names[key] for key in found.beyond} == {"cold"}
    assert not found.cut
    assert around(r1).within(1).steps == found.steps
    assert around(r1).within(1).beyond >= found.beyond


def test_the_nearest_are_kept(r1):
    near = around(r1).nearest(3)
    assert len(near.steps) == 3
    assert max(map(abs, near.steps.values())) == 1
    assert all(link.child in near.steps and link.parent in near.steps for link in near.links)
    assert near.beyond


def test_more_than_the_limit_is_cut_and_said(r1):
    for number in range(6):
        made([("init_from", r1)], prompt(f"more-{number}"))
    found = around(r1, "descendants", depth=2, limit=3)
    assert len(found.steps) == 8, "one level is read whole"
    made([("init_from", lookup.find("system-prompt:more-1"))], prompt("far"))
    assert around(r1, "descendants", depth=2, limit=3).cut


def test_what_a_version_is_held_against_is_no_lineage():
    one, other, suite = prompt("one"), prompt("other"), prompt("suite")
    made([("evaluated", one), ("evaluated_on", suite), ("baseline", other)], prompt("report"))
    assert steps(around(one)) == {"one": 0}


def test_a_cycle_and_a_loop_end():
    one, two = prompt("one"), prompt("two")
    made([("derived_from", one)], two)
    made([("derived_from", two)], one)
    made([("derived_from", one)], one, label="changed nothing")
    found = around(one)
    assert steps(found) == {"one": 0, "two": -1}
    assert len(found.links) == 3
    assert {(link.child, link.parent) for link in neighbourhood.between(found.steps)} == {
        (two.pk, one.pk),
        (one.pk, two.pk),
        (one.pk, one.pk),
    }


def test_references_in_content_are_links_without_an_activity(tmp_path):
    source = builders.dataset(tmp_path, "source")
    ref = {"subject": source.subject, "digest": source.digest}
    derived = builders.dataset(tmp_path, "derived", rows=2, derived_from=[ref])
    (link,) = around(source).links
    assert (link.child, link.parent, link.role, link.activity) == (
        derived.pk,
        source.pk,
        "derived_from",
        None,
    )


def test_queries_grow_with_depth_alone(django_assert_num_queries):
    root = prompt("root")
    level = [root]
    for depth in range(3):
        level = [prompt(f"v-{depth}-{number}") for number in range(4 * (depth + 1))]
        made([("init_from", root)], *level)
        root = level[0]
    start = lookup.find("system-prompt:root")
    with django_assert_num_queries(4 + 1):
        assert len(around(start, depth=3).steps) == 1 + 4 + 8 + 12
