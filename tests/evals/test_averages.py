"""Averages over benchmarks: the error of one, and the refusal to make one from cells that nobody measured."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.statistics.averages import Cell, IncompleteAverage, macro_average


def test_macro_average_by_hand() -> None:
    # (0.6 + 0.8)/2 with sqrt(0.03² + 0.04²)/2.
    found = macro_average({"maths": Cell(0.6, 0.03), "code": Cell(0.8, 0.04)})
    assert (found.tasks, found.score, found.se) == (2, pytest.approx(0.7), pytest.approx(0.025))
    assert (found.upper - found.score) == pytest.approx(1.959964 * 0.025, abs=1e-6)
    assert found.marked == ()


def test_weights_are_made_to_add_up() -> None:
    found = macro_average({"maths": Cell(0.6, 0.03), "code": Cell(0.8, 0.04)}, {"maths": 3, "code": 1})
    assert (found.score, found.se) == (pytest.approx(0.65), pytest.approx((0.0225**2 + 0.01**2) ** 0.5))


def test_a_missing_cell_is_named_and_never_averaged_around() -> None:
    with pytest.raises(IncompleteAverage, match=r"missing: code") as refused:
        macro_average({"maths": Cell(0.6, 0.03), "code": None}, mark_imputed=True)
    assert refused.value.missing == ("code",)


def test_an_imputed_cell_is_let_in_only_with_a_mark() -> None:
    cells = {"maths": Cell(0.6, 0.03), "code": Cell(0.8, 0.0, imputed=True), "law": None}
    with pytest.raises(IncompleteAverage, match=r"missing: law; imputed: code"):
        macro_average(cells)
    del cells["law"]
    assert macro_average(cells, mark_imputed=True).marked == ("code",)


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 0.2)), min_size=1, max_size=12))
def test_the_average_lies_among_its_cells(cells: list[tuple[float, float]]) -> None:
    found = macro_average({str(number): Cell(*cell) for number, cell in enumerate(cells)})
    scores = [score for score, _ in cells]
    assert min(scores) - 1e-9 <= found.score <= max(scores) + 1e-9
    assert found.se <= max(se for _, se in cells) + 1e-9
    assert found.lower <= found.score <= found.upper


@pytest.mark.parametrize("weights", [{"x": 1}, {"maths": -1}, {"maths": 0}])
def test_weights_that_do_not_fit_are_refused(weights: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="do not fit"):
        macro_average({"maths": Cell(0.6, 0.03)}, weights)


def test_nothing_has_no_average() -> None:
    with pytest.raises(ValueError, match="nothing to average"):
        macro_average({})
