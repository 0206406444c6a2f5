import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from governance.releases import cel
from governance.releases.cel import PASSED, REFUSED, UNDECIDED, Question, judge, judge_all, mentions

DIGITS = "[0,1,2,3,4,5,6,7,8,9]"
TEN_MILLION_STEPS = "".join(f"{DIGITS}.map({x}, " for x in "abcdefg") + "1" + ")" * 7 + ".size() > 0"
DOUBLING_TREE = '["a"]' + ".map(x, [x, x])" * 27
REPLACED_TEXT = '["%s"]' % ("a" * 64) + '.map(x, x.replace("a", "aaaaaaaa"))' * 9 + ".size() == 1"
DOUBLING_TEXT = f'["{"a" * 64}"]' + ".map(x, x + x + x + x)" * 13 + ".size() == 1"


def ask(expression: str, states=None, **facts) -> cel.Outcome:
    return judge(Question(expression, facts, states or {}))


def test_only_true_passes():
    assert ask("true").verdict == PASSED
    assert ask("false").verdict == REFUSED


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ('facts["gone"] > 1', "there is no value for gone"),
        ('facts["n"]', "gives INT"),
        ('facts["text"]', "gives STRING"),
        ("1", "gives INT"),
        ('"true"', "gives STRING"),
        ("1 / 0 > 1", "divide by zero"),
        ('facts["n"] > "5"', "No matching overloads"),
        ("true ||", "does not compile: line 1, column 8"),
        ("nosuch(1)", "undeclared reference"),
        (TEN_MILLION_STEPS, "Iteration budget exceeded"),
        ('"a".replace("a", 1) == ""', "does not compile"),
        ('"abc".substring(9) == ""', "The expression failed"),
        ("!" * 3000 + "true", "3,004 characters"),
        ("(" * 500 + "true" + ")" * 500, "recursion"),
    ],
)
def test_whatever_is_neither_true_nor_false_is_undecided_with_its_reason(expression, why):
    outcome = ask(expression, n=7, text="true")
    assert outcome.verdict == UNDECIDED
    assert why in outcome.reason


def test_a_bomb_of_time_or_memory_costs_only_its_own_rule():
    harmless = Question("true", {}, {})
    bombs = [
        Question(text, {}, {})
        for text in (f"{DOUBLING_TREE} == {DOUBLING_TREE}", DOUBLING_TEXT, REPLACED_TEXT)
    ]
    outcomes = judge_all([harmless, bombs[0], harmless, bombs[1], Question("false", {}, {}), bombs[2]])
    assert [outcome.verdict for outcome in outcomes] == [
        PASSED,
        UNDECIDED,
        PASSED,
        UNDECIDED,
        REFUSED,
        UNDECIDED,
    ]
    assert {outcomes[place].reason for place in (1, 3, 5)} == {cel.TOO_DEAR}


def test_a_pathological_pattern_does_not_hang():
    assert ask('facts["t"].matches("(a+)+$")', t="a" * 40 + "!").verdict == REFUSED


def test_numbers_keep_their_kind_on_the_way_to_the_child():
    facts = {"whole": 3, "real": 3.0, "flag": True, "list": ["a", "b"], "text": "ü\n"}
    expression = (
        'type(facts["whole"]) == int && type(facts["real"]) == double && facts["flag"]'
        ' && facts["list"].size() == 2 && facts["text"].size() == 2'
    )
    assert judge_all([Question(expression, facts, {"a": "recorded"})]) == [cel.Outcome(PASSED, "")]


def test_a_judge_that_cannot_start_is_an_error_and_no_verdict(monkeypatch, tmp_path):
    monkeypatch.setattr(cel, "__file__", str(tmp_path / "gone.py"))
    with pytest.raises(RuntimeError, match="process that judges rules failed"):
        judge_all([Question("true", {}, {})])


def test_answers_come_in_the_order_of_the_questions_whatever_they_share():
    one, two = {"n": 1}, {"n": 2}
    asked = [Question(f'facts["n"] == {n}', facts, {}) for n in (1, 2) for facts in (one, two, one)]
    assert [outcome.verdict for outcome in judge_all(asked)] == [
        PASSED,
        REFUSED,
        PASSED,
        REFUSED,
        PASSED,
        REFUSED,
    ]


def test_nothing_asked_is_nothing_answered():
    assert judge_all([]) == []


@given(st.text(max_size=80))
@example("facts")
@example("true || facts")
def test_no_text_passes_unless_it_is_a_true_boolean(text):
    assert judge(Question(text, {}, {})).verdict in {PASSED, REFUSED, UNDECIDED}


@given(
    st.decimals(min_value=-1000, max_value=1000, places=4),
    st.decimals(min_value=-1000, max_value=1000, places=4),
)
def test_doubles_compare_as_numbers(a, b):
    assert (ask('facts["a"] >= facts["b"]', a=float(a), b=float(b)).verdict == PASSED) == (a >= b)


@pytest.mark.parametrize(
    ("expression", "facts", "states", "all_facts", "all_states", "computed"),
    [
        ('facts["a.b"] > 1 && states["c"] == "x"', {"a.b"}, {"c"}, False, False, False),
        ("facts [ 'a' ] > 1", {"a"}, set(), False, False, False),
        ('facts.all(k, states[k] == "recorded")', set(), set(), True, False, True),
        ('"a" in states', set(), set(), False, True, False),
        ("has(facts.a)", set(), set(), True, False, False),
        (".facts.size() == 0", set(), set(), True, False, False),
        ('facts["a" + "b"] > 1', set(), set(), False, False, True),
        (r'facts["\u0061"] > 1', set(), set(), False, False, True),
        ('"facts" == "states[\\"x\\"]" // facts', set(), set(), False, False, False),
        (r"""r'\' + facts["a"] + '''states''' """, {"a"}, set(), False, False, False),
        ("my_facts == factsheet", set(), set(), False, False, False),
    ],
)
def test_what_an_expression_names_is_read_off_its_text(
    expression, facts, states, all_facts, all_states, computed
):
    found = cel.Mentions(frozenset(facts), frozenset(states), all_facts, all_states, computed)
    assert mentions(expression) == found
