"""A gate report for people at a terminal, and for a pipeline's test report."""

import textwrap
from collections.abc import Iterable, Mapping
from typing import Any
from xml.etree import ElementTree

from rich.console import Console
from rich.text import Text

from governance.releases.cel import PASSED, REFUSED, UNDECIDED

MARKS = {PASSED: ("✓", "green"), REFUSED: ("✗", "red"), UNDECIDED: ("?", "yellow")}
HEADLINES = {PASSED: "passed", REFUSED: "refused", UNDECIDED: "could not be decided"}
SHOWN_FACTS = 12
SHOWN_LENGTH = 120


def named(report: Mapping[str, Any]) -> str:
    """The release that a report is about, as kind:slug@number."""
    subject = report["subject"]
    return f"{subject['kind']}:{subject['slug']}@{subject['number']}"


def print_text(report: Mapping[str, Any], console: Console) -> None:
    """Print each rule with its verdict; for those that did not pass, why, what would help, and what they read."""
    for rule in report["rules"]:
        mark, colour = MARKS[rule["verdict"]]
        only = " (warns only)" if rule["severity"] == "warn" else ""
        console.print(Text(_clean(f"{mark} {rule['title']}{only}"), style=colour))
        if rule["waived"]:
            console.print(
                Text(_indented(_clean(waived(rule)), console.width), style="yellow"), soft_wrap=True
            )
        if rule["verdict"] != PASSED:
            for line in reasons(rule):
                console.print(Text(_indented(_clean(line), console.width)), soft_wrap=True)
    counts = ", ".join(f"{number} {verdict}" for verdict, number in report["counts"].items())
    style = MARKS[report["verdict"]][1]
    console.print(
        Text(
            f"{named(report)} {headline(report)}: {counts} of {len(report['rules'])} rules.",
            style,
        )
    )
    told = f"Evidence at ledger size {report['evidence']['size']}; policy {report['policy']['title']}."
    console.print(Text(_clean(told)))


def headline(report: Mapping[str, Any]) -> str:
    """The verdict in words, with the number of waivers that it rests on."""
    count = len(report["waivers"])
    told = f" with {count} waiver{'s' if count > 1 else ''}" if count else ""
    return f"{HEADLINES[report['verdict']]}{told}"


def waived(rule: Mapping[str, Any]) -> str:
    """By whom, until when and why a rule is waived."""
    held = rule["waived"]
    return (
        f"Waived by {held['by']} until {held['expires_at']} (proposed by {held['proposed_by']}, #{held['entry']}):"
        f" {held['reason']}"
    )


def reasons(rule: Mapping[str, Any]) -> list[str]:
    """Lines that say why a rule did not pass, what would help, and what it read: first what is empty."""
    lines = [line for line in (rule["reason"], rule["message"]) if line]
    empty_first = sorted(rule["facts"], key=lambda fact: fact["value"] is not None)
    read = list(fact_lines(empty_first[:SHOWN_FACTS]))
    if (more := len(rule["facts"]) - SHOWN_FACTS) > 0:
        read.append(f"and {more} more facts")
    return [*lines, *(f"- {line}" for line in read)]


def fact_lines(facts: Iterable[Mapping[str, Any]]) -> Iterable[str]:
    """One line a fact: its key, its value or the name of its gap, and the ledger entries behind it."""
    for fact in facts:
        value = fact["state"].replace("_", " ") if fact["value"] is None else _value(fact)
        entries = "".join(f" #{index}" for index in fact["entries"][:SHOWN_FACTS])
        yield f"{fact['key']}: {value}{entries}"


def _indented(line: str, width: int) -> str:
    return textwrap.fill(line, width, initial_indent="  ", subsequent_indent="  ", break_long_words=False)


def junit(report: Mapping[str, Any]) -> str:
    """The report as JUnit XML: a refused rule fails, an undecided one is an error; one that only warns or is waived is skipped."""
    suite = ElementTree.Element("testsuite", name=f"gate {named(report)}")
    for rule in report["rules"]:
        case = ElementTree.SubElement(
            suite, "testcase", classname=_clean(named(report)), name=_clean(rule["title"])
        )
        if rule["verdict"] != PASSED:
            message = waived(rule) if rule["waived"] else rule["reason"] or rule["message"]
            told = ElementTree.SubElement(case, _element(rule), message=_clean(message))
            told.text = _clean("\n".join(reasons(rule)))
    for attribute, element in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(attribute, str(len(suite.findall(f"testcase/{element}"))))
    suite.set("tests", str(len(report["rules"])))
    ElementTree.indent(suite)
    return ElementTree.tostring(suite, encoding="unicode", xml_declaration=False)


def _element(rule: Mapping[str, Any]) -> str:
    if rule["severity"] == "warn" or rule["waived"]:
        return "skipped"
    return "failure" if rule["verdict"] == REFUSED else "error"


def _value(fact: Mapping[str, Any]) -> str:
    value = ", ".join(fact["value"]) if isinstance(fact["value"], list) else str(fact["value"])
    short = value if len(value) <= SHOWN_LENGTH else f"{value[:SHOWN_LENGTH]}…"
    return f"{short} {fact['unit']}" if fact["unit"] else short


def _clean(text: str) -> str:
    """Without what XML 1.0 cannot carry at all: control characters and noncharacters."""
    return "".join(
        char for char in text if char in "\t\n\r" or (ord(char) >= 32 and char not in "\ufffe\uffff")
    )
