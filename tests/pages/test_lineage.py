"""The lineage page: drawn and listed alike, filtered, and never too much for a page, a database or a reader."""

import re

import pytest
from django.core.cache import cache

from governance.registry import actions
from governance.views import lineage as view
from tests import builders
from tests.builders import ADA
from tests.registry.test_neighbourhood import made, prompt

pytestmark = pytest.mark.django_db


@pytest.fixture
def shown(client_of):
    """`shown(version, **query)`: the page, as anybody who is signed in reads it."""
    cache.clear()
    client = client_of("otto")

    def get(version, status=200, **query) -> str:
        response = client.get(f"/versions/{version.subject}/lineage/", query)
        assert response.status_code == status
        return response.content.decode()

    return get


def boxes(page: str) -> list[str]:
    """What a screen reader says of each box of the drawing."""
    return re.findall(r'<a class="shape \w+"[^>]*aria-label="([^"]*)"', page.replace("\n", " "))


def lines(page: str) -> list[str]:
    drawing = page.split('<svg class="graph"')[1].split("</svg>")[0]
    return re.findall(r'<path class="link"\s+data-ancestry="(\w+)"', drawing)


def test_drawing_and_list_name_the_same(shown):
    base, data, tuned = prompt("base"), prompt("data"), prompt("tuned")
    made([("init_from", base), ("trained_on", data)], tuned, label="SFT of tuned")
    page = shown(tuned)
    assert boxes(page) == [
        "system-prompt:base@1, sealed: System prompt base (1 step before)",
        "system-prompt:data@1, sealed: System prompt data (1 step before)",
        "system-prompt:tuned@1, sealed: System prompt tuned (this version)",
        "Activity: SFT of tuned",
    ]
    assert sorted(lines(page)) == ["data", "weight", "weight"]
    made_from = page.split('id="above"')[1].split("</section>")[0]
    assert 'data-ancestry="weight">init from<' in made_from
    assert "system-prompt:data@1" in made_from
    assert "through SFT of tuned" in made_from
    assert "Nothing was made of it yet." in page
    assert ">init from</text>" in page
    assert "style=" not in page


def test_the_legend_tells_lines_apart_without_colour(shown):
    page = shown(prompt("alone"))
    legend = page.split('class="legend"')[1].split("</ul>")[0]
    assert re.findall(r"</svg>([\w ]+?)\s*</li>", legend) == ["weight", "data", "feedback", "part or setting"]
    css = (builders.Path(view.__file__).parents[2] / "static" / "rooms.css").read_text()
    dashes = re.findall(r'\.link\[data-ancestry="(\w+)"\] {[^}]*stroke-dasharray: ([\d ]+)', css)
    assert {name for name, _ in dashes} == {"data", "feedback", "part"}
    assert len({pattern for _, pattern in dashes}) == 3


def test_filters_choose_direction_ancestry_and_depth(shown):
    base, data, middle, last = map(prompt, ("base", "data", "middle", "last"))
    made([("init_from", base), ("trained_on", data)], middle)
    made([("init_from", middle)], last)
    assert len(boxes(shown(middle))) == 6
    assert "last@1" not in shown(middle, direction="ancestors")
    assert "base@1" not in shown(middle, direction="descendants")
    assert "data@1" not in shown(middle, ancestry="weight")
    assert "No feedback ancestor is recorded." in shown(middle, ancestry="feedback")
    near = shown(last, depth="1")
    assert "base@1" not in near
    assert 'aria-label="More around system-prompt:middle@1: its own lineage"' in near
    assert "within 1 step<" in near


@pytest.mark.parametrize("odd", ["", "0", "99", "blood", "%' OR 1=1 --", "٣", "9" * 4000])
def test_a_filter_that_does_not_exist_is_left_out(shown, odd):
    one, two = prompt("one"), prompt("two")
    made([("init_from", one)], two)
    assert boxes(shown(two, direction=odd, ancestry=odd, depth=odd)) == boxes(shown(two))


def test_a_cycle_and_a_loop_are_drawn_and_said(shown):
    one, two = prompt("one"), prompt("two")
    made([("derived_from", one)], two, label="there")
    made([("derived_from", two)], one, label="back")
    made([("trained_on", one)], one, label="nothing new")
    page = shown(one)
    assert len(boxes(page)) == 2 + 3
    assert len(lines(page)) == 6
    assert "its own ancestors are shown above" in page
    assert "its own descendants are shown above" in page


def test_what_is_named_but_not_here_is_drawn_and_said(shown, tmp_path):
    ref = {"subject": "dataset:elsewhere@3", "digest": "ab" * 32}
    page = shown(builders.dataset(tmp_path, "derived", derived_from=[ref]))
    assert 'aria-label="dataset:elsewhere@3: named with a digest that no version here has"' in page
    assert "no version here has the digest that is named" in page
    assert lines(page) == ["data"]


def test_ten_parents_and_long_and_foreign_names(shown):
    parents = [prompt(f"{number:02d}-{'x' * 77}") for number in range(10)]
    child = actions.register("system-prompt", "y" * 80, {"text": "y"}, title="提示 عنوان «ё» <b>", actor=ADA)
    made(
        [("trained_on", one) for one in parents],
        child,
        label="合并 دمج <script>alert(1)</script> " + "z" * 100,
    )
    page = shown(child)
    assert len(boxes(page)) == 12
    assert lines(page).count("data") == 10
    assert "提示 عنوان «ё» &lt;b&gt;" in page
    assert "<script>alert" not in page
    names = re.findall(r'<text class="name"[^>]*>([^<]*)<', page)
    assert all(len(name) <= 30 and name.endswith("@1") for name in names)
    widths = re.findall(r'<rect x="[^"]*"\s+y="[^"]*"\s+width="([\d.]+)"', page)
    assert max(map(float, widths)) < 280


def test_a_state_is_a_word_and_not_a_colour_alone(shown):
    one, two = prompt("one"), prompt("two")
    made([("init_from", one)], two)
    actions.revoke(one, reason="Wrong.", actor=ADA)
    assert ">System prompt · revoked</text>" in shown(two)


def test_more_than_fits_is_shown_less_far_and_then_in_groups(shown, monkeypatch):
    monkeypatch.setattr(view, "MOST_BOXES", 12)
    root, children = prompt("root"), [prompt(f"child-{n}") for n in range(5)]
    made([("trained_on", root)], *children)
    made([("init_from", children[0])], *(prompt(f"grandchild-{n}") for n in range(25)))
    page = shown(root)
    assert "Only 1 step each way are shown" in page
    assert "grandchild-1@1" not in page
    page = shown(root, depth="2")
    assert "drawn as one box" in page
    assert boxes(page) == [
        "system-prompt:root@1, this version",
        "5 system prompts, 1 step after",
        "25 system prompts, 2 steps after",
    ]
    assert lines(page) == ["data", "weight"]
    assert "and 5 more" in page
    assert 'href="#group-system-prompt-after-2"' in page
    assert 'id="group-system-prompt-after-2"' in page
    assert '<a href="?depth=1">1 step each way</a> can be drawn whole' in page


def test_groups_that_are_still_too_much_say_what_to_do(shown, monkeypatch):
    monkeypatch.setattr(view, "MOST_BOXES", 3)
    root = prompt("root")
    made([("trained_on", root)], *(prompt(f"child-{n}") for n in range(5)))
    page = shown(root)
    assert "drawn as one box" in page
    assert "Choose one direction or one ancestry to see less." in page


def test_without_its_program_the_page_is_a_list(shown, monkeypatch):
    monkeypatch.setattr("governance.views.drawing._plain", lambda _: None)
    one, two = prompt("one"), prompt("two")
    made([("init_from", one)], two)
    page = shown(two)
    assert "The drawing could not be laid out" in page
    assert "system-prompt:one@1" in page.split('id="above"')[1]


def test_nothing_around_it_is_said(shown):
    page = shown(prompt("alone"))
    assert "Nothing stands around this version" in page
    assert '<svg class="graph"' not in page


def test_restricted_names_are_shown_and_restricted_references_are_not(shown):
    hidden = actions.register("system-prompt", "hidden", {"text": "x"}, restricted=True, actor=ADA)
    made([("init_from", hidden)], child := prompt("child"))
    assert "system-prompt:hidden@1" in shown(child)
    assert "restricted" in shown(hidden, status=403)


def test_queries_do_not_grow_with_what_is_around(shown, django_assert_max_num_queries):
    root = prompt("root")
    children = [prompt(f"child-{n}") for n in range(140)]
    for number in range(0, 140, 7):
        made([("trained_on", root), ("init_from", children[number - 7])], *children[number : number + 7])
    for depth in ("4", "8"):
        with django_assert_max_num_queries(50):
            assert len(boxes(shown(root, depth=depth))) > 100
