"""Searching a dataset for the items of an evaluation: the job's stream against plain sets of n-grams, and what memory it takes."""

import json
import os
import random
import shutil
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

from benchmarks import scratch
from benchmarks.figures import Aim, Figure
from benchmarks.memory import peak
from benchmarks.paired import alternating
from evals.harness import contamination
from evals.harness.contamination_params import Params
from evals.harness.overlap import Measure
from training.runner.job import Job

SEED = 3
VOCABULARY = 30_000
PLANTED = 200
"""One row in so many holds an item."""


def figures(quick: bool) -> Iterator[Figure]:
    """A million rows and ten thousand items (quick: 5,000 and 500), under the rule of Tulu 3."""
    rows, items = (5_000, 500) if quick else (1_000_000, 10_000)
    folder = Path(settings.CHARTER_HOME) / "contamination"
    generate(folder, rows, items)
    found: dict[str, int] = {}

    def stream() -> None:
        found["stream"] = searched(folder)

    def plain() -> None:
        found["plain"] = len(plainly(folder, contamination.measure_of(Params())))

    seconds = alternating({"stream": stream, "plain": plain}, 2 if quick else 3)
    if found["stream"] != found["plain"]:
        raise AssertionError(
            f"{found['stream']} items by the stream, {found['plain']} by plain sets: not the same work"
        )
    speed = {name: [rows / one for one in took] for name, took in seconds.items()}
    told = f"Search {rows:,} rows for {items:,} items"
    yield Figure(
        told, "rows/s", speed["stream"], speed["plain"], "sets of n-grams", Aim("ratio", 1, is_least=True)
    )
    # As a worker starts it.
    memory = peak("-m", "training.runner", str(folder), cwd=scratch.ROOT)
    yield Figure(f"{told}: peak memory of the job", "MB", [memory / 1024**2], aim=Aim("value", 4096))


def generate(folder: Path, rows: int, items: int) -> None:
    """Rows of some 60 words, of which most occur in items too, and items of some 40; and the job that compares them."""
    rng = random.Random(SEED)
    words = [f"{rng.choice('bdfgklmnprst')}{number:x}" for number in range(VOCABULARY)]
    weights = [1 / (rank + 10) for rank in range(VOCABULARY)]
    stock = rng.choices(words, weights, k=2_000_000)

    def text(length: int) -> str:
        start = rng.randrange(len(stock) - length)
        middle = rng.randrange(len(stock) - length)
        return " ".join(stock[start : start + length // 2] + stock[middle : middle + length - length // 2])

    asked = [" ".join(rng.choices(words, weights, k=rng.randint(6, 70))) for _ in range(items)]
    (folder / "suite").mkdir(parents=True)
    with (folder / "suite" / "items.jsonl").open("w") as file:
        for number, prompt in enumerate(asked):
            file.write(json.dumps({"id": f"i{number}", "prompt": prompt, "target": "1"}) + "\n")
    with (folder / "rows.jsonl").open("w") as file:
        for number in range(rows):
            said = rng.choice(asked) if number % PLANTED == 0 else text(rng.randint(30, 90))
            turns = [{"role": "user", "content": said}, {"role": "assistant", "content": "Yes."}]
            file.write(json.dumps({"messages": turns}) + "\n")
    (folder / "job.json").write_text(json.dumps(order(folder, rows)))


def order(folder: Path, rows: int) -> dict[str, object]:
    task = {
        "name": "items",
        "kind": "exact_match",
        "metric": "exact_match",
        "margin": "0.02",
        "file": "items.jsonl",
    }

    def used(subject: str, path: Path, content: dict[str, object]) -> dict[str, object]:
        kind = subject.partition(":")[0]
        return {"subject": subject, "digest": "0" * 64, "kind": kind, "path": str(path), "content": content}

    file = {"path": "rows.jsonl", "size": 1, "sha256": "a" * 64}
    data = {"format": "messages", "rows": rows, "files": [file]}
    suite = {"title": "Items", "status": "dev", "tasks": [task], "files": [{**file, "path": "items.jsonl"}]}
    return {
        "run": "bench", "stage": "contamination", "module": "evals.harness.contamination", "params": {}, "seed": 0,
        "inputs": {
            "searched": [used("dataset:rows@1", folder / "rows.jsonl", data)],
            "evaluations": [used("eval-suite:items@1", folder / "suite", suite)],
        },
    }  # fmt: skip


def searched(folder: Path) -> int:
    """The job's own work in this process; returns how many items are contaminated."""
    job = Job(folder)
    shutil.rmtree(job.output_dir, ignore_errors=True)
    job.output_dir.mkdir()
    os.environ["CHARTER_CACHE"] = str(folder / "cache")
    contamination.run(job)
    report = json.loads((job.output_dir / contamination.REPORT).read_bytes())
    return int(report["searches"][0]["contaminated"])


def plainly(folder: Path, measure: Measure) -> set[str]:
    """What a short script does: a dictionary of all n-grams of the items, and each n-gram of each row looked up in it."""
    n, grams, lengths, whole = measure.n, defaultdict(set), {}, {}
    with (folder / "suite" / "items.jsonl").open() as lines:
        for line in lines:
            item = json.loads(line)
            units = measure.units(item["prompt"])
            lengths[item["id"]] = len(units)
            if len(units) < n:
                whole[units] = item["id"]
            for at in range(len(units) - n + 1):
                grams[units[at : at + n]].add((item["id"], at))
    found = set()
    with (folder / "rows.jsonl").open() as lines:
        for line in lines:
            for turn in json.loads(line)["messages"]:
                if turn["role"] != "user":
                    continue
                units, inside = measure.units(turn["content"]), defaultdict(set)
                if units in whole:
                    found.add(whole[units])
                for at in range(len(units) - n + 1):
                    for item, place in grams.get(units[at : at + n], ()):
                        inside[item].update(range(place, place + n))
                found |= {
                    item for item, places in inside.items() if measure.exceeds(len(places), lengths[item])
                }
    return found
