"""`manage.py identity RUNTIME --at MOMENT`: what answered then, and what proves it. `--verify DIR`: which model a folder is."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any, ClassVar

from django.core.management import CommandError

from governance.ledger.keys import KeyUnavailable
from governance.ledger.models import Checkpoint
from governance.ledger.settle import settle
from governance.management.acting import ActingCommand
from governance.registry import weights
from governance.releases import manifest, resolve, resolve_identity, resolve_proof, serving_found
from governance.releases.resolve_identity import Answer
from governance.releases.resolve_told import as_told


class Command(ActingCommand):
    help = (
        "What answered at a runtime at a moment (now without --at), as the ledger recorded it; --out writes it as a bundle that"
        " `python -m governance.ledger.verify` checks offline. With --verify: which model the files of a folder are."
    )
    example = (
        "manage.py identity chat --at 2026-03-01T12:00:00Z --as axel\n"
        "manage.py identity chat --out answered.zip --as axel\n"
        "manage.py identity --verify models/served --as ada"
    )
    action = ""
    refusals: ClassVar[tuple[type[Exception], ...]] = (
        weights.BadModel,
        resolve_proof.NotSigned,
        KeyUnavailable,
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("runtime", nargs="?", help="the runtime's slug")
        parser.add_argument("--at", help="ISO 8601 with its zone, such as 2026-03-01T12:00:00Z")
        parser.add_argument("--verify", type=Path, metavar="DIR", help="a model's folder")
        parser.add_argument("--out", type=Path, help="bundle to write")
        parser.add_argument("--json", action="store_true")

    def act(
        self,
        *,
        runtime: str | None,
        at: str | None,
        verify: Path | None,
        out: Path | None,
        json: bool,
        **_: Any,
    ) -> None:
        if (runtime is None) == (verify is None):
            raise CommandError("Name a runtime, or a folder with --verify.")
        if verify is not None:
            self._verify(verify, as_json=json)
        else:
            self._answer(str(runtime), at, out, as_json=json)

    def _answer(self, slug: str, at: str | None, out: Path | None, *, as_json: bool) -> None:
        runtime, moment = serving_found.runtime(slug), resolve.moment_of(at)
        if out:
            settle()
        served = resolve.served_at(runtime, moment, self.person)
        if out:
            out.write_bytes(resolve_proof.bundle(runtime, moment, served))
        cited = [entry for one in served for _, entry in one.entries]
        found = resolve_proof.proofs(cited, Checkpoint.objects.order_by("-size").first())
        told = [as_told(one, found) for one in served]
        lines = [resolve.told(runtime, moment, served)]
        for one, said in zip(served, told, strict=True):
            lines += [
                f"{said['release']}: share {said['share']}, {said['audience']}",
                f"  identity       {said['identity']}",
                f"  model          {_name(said['model'])}",
                f"  policy layer   {', '.join(_layer(said['policy_layer'])) or 'none'}",
                f"  configuration  {_name(said['deployment'])}",
                f"  approved by    {', '.join(review.reviewer for review in one.approvals)}",
                f"  started by     {said['started_by']} at {said['started_at']}",
                *(
                    f"  entry          {entry.leaf_index} {shows} {entry.leaf_hash}"
                    for shows, entry in one.entries
                ),
            ]
        self.say(
            {"runtime": runtime.slug, "told": lines[0], "served": told}, "\n".join(lines), as_json=as_json
        )

    def _verify(self, folder: Path, *, as_json: bool) -> None:
        if not folder.is_dir():
            raise weights.BadModel(f"{folder} is no folder.")
        outline = weights.outline(folder)
        files = manifest.files_from(weights.manifest(folder))
        answers = {"files": resolve_identity.by_files(files, self.person)}
        if any(folder.glob("*.safetensors")):
            digest, *_ = weights.weights_digest(folder)
            described = {**outline, "weights_digest": digest}
            answers["tensors"] = resolve_identity.by_parts(
                resolve_identity.tensors_of(described), self.person
            )
        text = "\n".join(f"By its {name}: {_said(answer)}" for name, answer in answers.items())
        self.say({name: answer.record() for name, answer in answers.items()}, text, as_json=as_json)


def _name(ref: dict[str, str] | None) -> str:
    return f"{ref['subject']} {ref['digest'][:12]}" if ref else "none"


def _layer(layer: dict[str, Any]) -> list[str]:
    found = [
        one for value in layer.values() for one in (value if isinstance(value, list) else [value]) if one
    ]
    return [_name(one) for one in found]


def _said(answer: Answer) -> str:
    looked = f"({answer.compared} compared)"
    if answer.match:
        return f"{', '.join(version.subject for version, _ in answer.match)} {looked}"
    if answer.nearest is None or answer.difference is None:
        return f"nothing that is recorded here {looked}"
    names = ", ".join(answer.difference.names[:10])
    return f"none; nearest is {answer.nearest.subject}, with {answer.difference.size} differences: {names} {looked}"
