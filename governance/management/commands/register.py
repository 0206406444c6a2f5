"""`manage.py register KIND SLUG FILE`: a sealed version from files."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from governance.management.acting import ActingCommand
from governance.registry import actions, hooks, importers
from governance.registry.access import require_write
from governance.releases.components import resolve_refs


class Command(ActingCommand):
    help = "Register a new sealed version from files; prints its name and digest. The same content again changes nothing."
    example = (
        "manage.py register dataset gsm8k-train data/train.jsonl --meta gsm8k.yaml --as ada\n"
        "manage.py register policy model-spec model_spec.md --meta spec.yaml --as polly"
    )
    action = "registry:version:register"

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("kind", help="artifact kind, such as dataset, model, constitution")
        parser.add_argument("slug", help="name within the kind: lower-case letters, digits, '.', '_', '-'")
        parser.add_argument(
            "file", type=Path, help="JSON Lines file, model folder, Markdown, YAML, JSON or text"
        )
        parser.add_argument(
            "--meta", type=Path, help="YAML or JSON with the fields that the file itself does not say"
        )
        parser.add_argument("--title", default="", help="title of a new artifact")
        parser.add_argument(
            "--restricted", action="store_true", help="only authors, reviewers and auditors may read it"
        )
        parser.add_argument(
            "--no-scan", action="store_true", help="queue no scan of a dataset (CHARTER_SCAN_ON_REGISTER)"
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def act(
        self,
        *,
        kind: str,
        slug: str,
        file: Path,
        meta: Path | None,
        title: str,
        restricted: bool,
        no_scan: bool,
        json: bool,
        **_: Any,
    ) -> None:
        require_write(self.person, kind)
        extra = importers.mapping(meta) if meta else {}
        imported = importers.read(kind, file, extra)
        version = actions.register(
            kind,
            slug,
            resolve_refs(imported.content) if kind == "release" else imported.content,
            title=title or imported.title,
            files=imported.files,
            restricted=restricted,
            actor=self.actor,
            notes=imported.notes,
        )
        for note in (*imported.notes, *([] if no_scan else hooks.registered(version, self.actor))):
            self.stderr.write(note)
        result = {"subject": version.subject, "digest": version.digest, "state": version.state}
        self.say(result, f"{version.subject}  {version.digest}", as_json=json)
