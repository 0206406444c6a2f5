"""`card`, `bundle` and `reindex` at the shell."""

import json

import pytest
from django.core.management import call_command

from governance.ledger.models import Checkpoint, Entry
from governance.registry.models import Usage
from tests.evidence.world import settled


def run(*arguments):
    call_command(*arguments)


def refused(capsys, code, *arguments):
    with pytest.raises(SystemExit) as stop:
        run(*arguments)
    assert stop.value.code == code
    return capsys.readouterr().err


def test_card_settles_and_prints_markdown(world, capsys):
    run("card", "model:tuned")
    assert capsys.readouterr().out.startswith("---\nlicense: apache-2.0\n")
    assert Checkpoint.objects.latest("size").size == Entry.objects.count()


def test_card_writes_a_file_and_says_so(world, tmp_path, capsys):
    run("card", "release:assistant", "--format", "json", "--out", str(tmp_path / "card.json"))
    assert json.loads((tmp_path / "card.json").read_bytes())["kind"] == "system"
    assert "release:assistant@1 as of" in capsys.readouterr().out


def test_card_as_of_an_earlier_size(world, capsys):
    size = settled().size
    run("card", "model:tuned", "--at", str(size - 1))
    assert f"first {size - 1} entries" in capsys.readouterr().out
    assert "was not sealed yet" in refused(capsys, 1, "card", "model:tuned", "--at", "3")
    assert "give a size from 0" in refused(capsys, 1, "card", "model:tuned", "--at", str(size + 9))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["card", "model:tunned"], "Did you mean model:tuned"),
        (["card", "model:tuned@7"], "has no version 7"),
        (["card", "constitution:house"], "cards are written about models"),
        (["card", "model:tuned", "--kind", "system"], "write --kind model"),
        (["bundle", "constitution:house", "--out", "x.zip"], "cards are written about models"),
        (["card", "nonsense:tuned"], "There is no kind"),
    ],
)
def test_what_cannot_be_is_refused_with_a_way_out(world, capsys, arguments, said):
    assert said in refused(capsys, 1, *arguments)


def test_without_the_key_the_bundle_is_not_made(world, capsys, home, tmp_path):
    settled()
    (home / "ledger" / "signer.key").unlink()
    error = refused(capsys, 3, "bundle", "model:tuned", "--out", str(tmp_path / "x.zip"))
    assert "keygen" in error


def test_a_folder_that_does_not_exist_is_named(world, capsys, tmp_path):
    assert "nowhere" in refused(capsys, 3, "card", "model:tuned", "--out", str(tmp_path / "nowhere" / "x.md"))


def test_reindex_makes_the_index_anew(world, capsys):
    before = Usage.objects.count()
    Usage.objects.all().delete()
    run("reindex", "--json")
    assert json.loads(capsys.readouterr().out)["usage"] == before == Usage.objects.count()


@pytest.mark.parametrize("name", ["card", "bundle", "reindex"])
def test_help_has_an_example(name, capsys):
    with pytest.raises(SystemExit):
        run(name, "--help")
    assert f"manage.py {name}" in capsys.readouterr().out
