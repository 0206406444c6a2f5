"""The manual fails when it lies: settings, commands, events, rights, addresses, links, and what must stand on no page."""

import re
import subprocess
from argparse import ArgumentParser
from pathlib import Path

import pytest
import yaml
from django.core.management import get_commands, load_command_class

from governance.ledger import events
from governance.registry.kinds import KINDS
from governance.releases.rules import check_policy
from tests.docs import generated
from tests.docs.generated import ROOT, TABLES
from tests.docs.pages import blocks, pages
from training.launchers.environment import INHERITED
from training.stages import known as known_stages

ROOMS = ("config", "evals", "training", "governance")
OURS = {"config", "config.demo", "evals", "training", "governance"}
READ = re.compile(r"(?:environ\.get\(|environ\[|flag\(|listed\()\s*[\"']([A-Z][A-Z0-9_]+)[\"']")
SET_BY_OTHERS = {"DJANGO_SETTINGS_MODULE", "RANK"}
"""Read, but not for people to set: Django's entry points name the settings, torchrun numbers its processes."""
PAGES = pages()


def code() -> str:
    return "\n".join(
        path.read_text(encoding="utf-8") for room in ROOMS for path in (ROOT / room).rglob("*.py")
    )


def first_cells(page: str) -> set[str]:
    return set(re.findall(r"^\| `([^`]+)` \|", PAGES[page], re.MULTILINE))


def ours() -> dict[str, str]:
    return {name: str(app) for name, app in get_commands().items() if app in OURS}


def options_of(name: str) -> set[str]:
    parser = load_command_class(ours()[name], name).create_parser("manage.py", name)
    return set(all_options(parser))


def all_options(parser: ArgumentParser) -> list[str]:
    found = list(parser._option_string_actions)
    for action in parser._actions:
        if isinstance(action.choices, dict):
            found += [option for child in action.choices.values() for option in all_options(child)]
    return found


def typed() -> list[tuple[str, str, str]]:
    """(page, command, rest of the line) of each `manage.py` in a block of commands or between backticks."""
    return [
        (page, match[1], match[2])
        for page, text in PAGES.items()
        for match in re.finditer(r"manage\.py ([a-z_]+)((?:\\\n|[^\n`])*)", text)
    ]


class TestReference:
    def test_every_variable_that_is_read_is_a_documented_setting(self):
        assert set(READ.findall(code())) - SET_BY_OTHERS == first_cells("docs/settings.md")

    def test_the_variables_that_a_job_sees_are_named(self):
        listed = PAGES["docs/settings.md"].split("A job sees only these", 1)[1].split("Secrets", 1)[0]
        assert set(re.findall(r"`([A-Z_]+)`", listed)) == set(INHERITED)

    def test_every_command_has_a_section_and_every_section_a_command(self):
        headings = set(re.findall(r"^### ([a-z_]+)$", PAGES["docs/cli.md"], re.MULTILINE))
        assert headings == set(ours())

    def test_every_command_on_a_page_exists_with_its_options(self):
        known = get_commands()
        for page, name, rest in typed():
            assert name in known, f"{page}: manage.py {name}"
            wanted = set(re.findall(r"(?<=\s)(--[a-z-]+)", rest))
            if name in ours():
                assert wanted <= options_of(name), f"{page}: manage.py {name}{rest}"

    def test_every_event_kind_is_explained(self):
        assert first_cells("docs/ledger-events.md") == {str(kind) for kind in events.known()}

    def test_every_stage_kind_is_named(self):
        named = re.findall(r"^Stage `([a-z]+)`", PAGES["docs/training.md"], re.MULTILINE)
        assert set(named) == {stage.name for stage in known_stages() if not stage.module.startswith("tests.")}

    def test_every_artifact_kind_has_its_place_among_the_records(self):
        named = set(re.findall(r"`([a-z-]+)`", PAGES["docs/design/records.md"]))
        assert set(KINDS) <= named

    @pytest.mark.parametrize("name", TABLES)
    def test_tables_from_the_code_are_as_the_code_has_them(self, db, name):
        page, make = TABLES[name]
        assert generated.stored(name) == make(), f"{page} is old: run python -m tests.docs.generated"


class TestPages:
    def test_every_link_leads_somewhere(self):
        broken = [
            f"{page}: {target}"
            for page, text in PAGES.items()
            for target in re.findall(r"\]\(([^)\s]+)\)", text)
            if "://" not in target and not leads_somewhere(page, target)
        ]
        assert not broken

    def test_every_make_target_that_is_named_exists(self):
        targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
        for page, text in PAGES.items():
            for name in re.findall(r"(?:^|`)make ([a-z-]+)", text, re.MULTILINE):
                assert name in targets, f"{page}: make {name}"

    def test_the_files_of_the_first_run_can_be_read_and_its_policy_holds(self):
        files = {block.name: block.text for block in blocks("docs/first-run.md") if block.name}
        contents = {name: yaml.safe_load(text) for name, text in files.items()}
        assert all(isinstance(content, dict) for content in contents.values())
        assert check_policy(contents["policy.yaml"]) == []

    def test_no_file_names_a_machines_folder_or_a_package_mirror(self):
        # Put together here, so that this file is not the first to name them.
        places = "|".join(("/wo" + "rk/", "/ro" + "ot/", "/ho" + "me/[a-z]"))
        mirrors = "|".join(("index" + "-url", "artifac" + "tory", "/simp" + "le/", "pypi" + r"\.org"))
        forbidden = re.compile(f"{places}|{mirrors}")
        found = [f"{path}: {match[0]}" for path, text in tracked() if (match := forbidden.search(text))]
        assert not found


def leads_somewhere(page: str, target: str) -> bool:
    path, _, anchor = target.partition("#")
    place = (ROOT / page).parent / path if path else ROOT / page
    if not place.exists():
        return False
    if not anchor:
        return True
    headings = re.findall(r"^#+ (.+)$", place.read_text(encoding="utf-8"), re.MULTILINE)
    return anchor in {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def tracked() -> list[tuple[str, str]]:
    """(path, text) of every text file that git keeps, or would."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if listed.returncode:
        pytest.skip("this is no git checkout")
    paths = [ROOT / name for name in listed.stdout.splitlines()]
    return [
        (path.relative_to(ROOT).as_posix(), text) for path in paths if (text := text_of(path)) is not None
    ]


def text_of(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except (UnicodeDecodeError, OSError):
        return None
