"""The job side of training: what runs inside the job process, and its contract with whoever started it.

A job is a folder and one process::

    python -m training.runner FOLDER

The supervisor writes `job.json` before the start and reads all the rest. The process never opens the
database, reaches no network but the one endpoint that an evaluation asks, and may be killed at any moment:
files are appended a whole line at a time, and `result.json` appears last, at once and complete. Under
`torchrun` only rank 0 writes.

What the supervisor writes
--------------------------
`job.json`::

    {"run": "<id>", "stage": "sft", "module": "training.runner.sft", "seed": 7,
     "params": {"learning_rate": "0.0005", "max_steps": 80, ...},
     "inputs": {"<role>": [{"subject": "kind:slug@n", "digest": "<hex>", "kind": "model",
                            "path": "/absolute/file-or-directory" | null, "content": {...}}]}}

`params` are the resolved parameters of the method (fractions as decimal text). `path` is a directory for a
model, a JSONL file for a dataset, null for a version that has no files; whoever writes `job.json` has
checked the files behind it against the version's recorded hashes. `module` names a module with
`run(job: Job) -> Mapping`, whose returned mapping becomes the result's summary.

What the job writes
-------------------
Times are UTC, `YYYY-MM-DDTHH:MM:SS.mmmZ`. Fractions are decimal text; no file holds a JSON float.

`heartbeat`         empty; touched every 2 seconds from start to result (its mtime is what counts).
`events.jsonl`      one JSON object a line: `at`, `event`, and for each event:
                      started    run, stage, pid, host
                      phase      name ("load", "train", "save", ...), and what the phase knows about itself
                      progress   done, total, unit ("step", "item"); at most two a second, always the last
                      log        message
                      not_finite step, values {metric: "nan" | "inf" | "-inf"}
                      saved      step, path (relative to the folder), files [{path, size, sha256}]: a snapshot
                      resumed    step, path
                      finished   status, seconds, reason
                      failed     failure_class, reason
`metrics.jsonl`     one JSON object a line: `step`, `at`, `values` {name: decimal text}. A resumed job repeats
                    the steps after its snapshot: the later line is the valid one.
`environment.json`  packages, torch, CPU, GPU, threads, code digest; never a secret.
`config.json`       the configuration the trainer resolved, all of it (written when training begins).
`snapshots/`        the trainer's own saved states; only this job reads them back, and only files whose hashes
                    match their `saved` event.
`outputs/`          what the job made; nothing else is an output.
`result.json`       {"status": "succeeded" | "cancelled" | "failed", "reason": text | null,
                     "failure_class": null | "out_of_memory" | "bad_input" | "disk_full" | "endpoint" | "bug",
                     "outputs": [{"path", "size", "sha256"}] sorted by path relative to outputs/,
                     "summary": {...}}. A cancelled or failed job lists what outputs/ holds at that time: it
                    is not a finished product.

Starting again: the same command on the same folder removes an old `result.json`, empties `outputs/`, appends
to the `.jsonl` files, and goes on from the newest intact snapshot, if there is one.

Signals and exit codes
----------------------
SIGTERM (or SIGINT) asks the job to stop: it finishes its step, saves a snapshot where the method can, writes
the result "cancelled" and exits 0. There is no time limit inside the job: who asked may kill it later.

0  `result.json` says "succeeded" or "cancelled" (exit 0 alone does not mean finished: read the file)
1  `result.json` says "failed" and why
2  the folder holds no readable `job.json`; nothing was written, standard error says why
3  `result.json` could not be written (a full disk, as a rule); standard error says why
Anything else, or a signal, without `result.json`: the process died (`-9`: killed, often for memory).
"""

import os

# Libraries read these when they are imported: no hub, no telemetry, no threads that wait busily on a shared machine.
CHILD_ENVIRONMENT = {
    "HF_HUB_OFFLINE": "1",
    "HF_DATASETS_OFFLINE": "1",
    "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "TRL_EXPERIMENTAL_SILENCE": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "OMP_WAIT_POLICY": "PASSIVE",
    "CUBLAS_WORKSPACE_CONFIG": ":4096:8",
}
os.environ.update(CHILD_ENVIRONMENT)
