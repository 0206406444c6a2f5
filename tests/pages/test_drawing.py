"""Where boxes and lines stand: inside the drawing, apart from each other, and laid out once."""

import subprocess

import pytest
from django.core.cache import cache

from governance.views import drawing
from governance.views.drawing import Box, Line, layout, shortened, text_width

BOXES = [Box(180, 46), Box(120, 46), Box(90, 24)]
LINES = [Line(0, 2, "init from", 6), Line(1, 2, "trained on"), Line(0, 2, "reference model")]


@pytest.fixture(autouse=True)
def _nothing_remembered():
    cache.clear()


def test_boxes_keep_their_size_and_do_not_overlap():
    laid = layout(BOXES, LINES)
    assert laid is not None
    places = list(zip(laid.boxes, BOXES, strict=True))
    for (x, y), box in places:
        assert box.width / 2 - 1 <= x <= laid.width - box.width / 2 + 1
        assert box.height / 2 - 1 <= y <= laid.height - box.height / 2 + 1
    for number, ((x, y), box) in enumerate(places):
        for (a, b), other in places[number + 1 :]:
            assert (
                abs(x - a) >= (box.width + other.width) / 2 or abs(y - b) >= (box.height + other.height) / 2
            )


def test_lines_lead_from_left_to_right_and_carry_their_own_label():
    laid = layout(BOXES, LINES)
    assert laid is not None
    for line, path, label in zip(LINES, laid.paths, laid.labels, strict=True):
        start, end = (float(pair.split(",")[0]) for pair in (path[1:].split("C")[0], path.split(" ")[-1]))
        assert laid.boxes[line.tail][0] < start < end < laid.boxes[line.head][0]
        assert label is not None
        assert start < label[0] < end
    assert len(set(laid.paths)) == 3, "two lines between the same boxes are two lines"


def test_a_cycle_is_drawn():
    laid = layout(BOXES[:2], [Line(0, 1), Line(1, 0), Line(0, 0)])
    assert laid is not None
    assert all(path.startswith("M") for path in laid.paths)
    assert laid.labels == [None, None, None]


def test_a_label_cannot_say_anything_but_itself():
    laid = layout(BOXES[:2], [Line(0, 1, 'a" color="red"] 0->0 [label="\\')])
    assert laid is not None
    assert len([path for path in laid.paths if path]) == 1


def test_the_same_drawing_is_laid_out_once(monkeypatch):
    calls = []
    run = subprocess.run
    monkeypatch.setattr(subprocess, "run", lambda *args, **kwargs: calls.append(1) or run(*args, **kwargs))
    assert layout(BOXES, LINES) == layout(list(BOXES), list(LINES))
    assert len(calls) == 1
    layout(BOXES, LINES[:2])
    assert len(calls) == 2


def test_without_its_program_there_is_no_layout_and_the_log_says_why(monkeypatch, caplog):
    monkeypatch.setattr(drawing.shutil, "which", lambda *_, **__: None)
    assert layout(BOXES, LINES) is None
    assert "graphviz-pure is not installed" in caplog.text


def test_a_program_that_fails_or_hangs_is_no_fault_of_the_page(monkeypatch, caplog):
    for failure in (subprocess.TimeoutExpired("graphviz-pure", 20), subprocess.CalledProcessError(1, "x")):
        monkeypatch.setattr(
            subprocess, "run", lambda *_, failure=failure, **__: (_ for _ in ()).throw(failure)
        )
        assert layout(BOXES, LINES) is None
    assert caplog.text.count("laid out nothing") == 2


def test_widths_follow_the_script():
    assert text_width("mm", 10, mono=True) == pytest.approx(12.2)
    assert text_width("日本", 10) > text_width("ab", 10)
    assert text_width("e\u0301", 10) == text_width("e", 10)


def test_long_names_keep_both_ends():
    assert shortened("short@1", 30) == "short@1"
    cut = shortened("a" * 40 + "tail@12", 20)
    assert len(cut) == 20
    assert cut.endswith("aatail@12")
    assert "…" in cut
