"""From a Hugging Face trainer's events to the job's files, and from SIGTERM to a snapshot and a clean stop."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from numbers import Real
from pathlib import Path
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from training.runner.job import Job, file_hashes

TOTALS = "train_loss"
"""Stands in the trainer's last line alone, which sums the training up; the job's summary says the same."""
NOT_MEASURED = {"num_input_tokens_seen", "total_flos", "step_time"}
"""What the trainer logs beside its metrics: a second count of tokens, its guess of the arithmetic done, and a clock."""
TIMINGS = "train_"
"""How the names of the trainer's own clocks begin. They would make two equal runs look different."""


class JobCallback(TrainerCallback):  # type: ignore[misc]
    """Writes metrics, progress and snapshots of one training, on the leading process only.

    `seconds` is the time spent in here, all told: what recording costs.
    """

    def __init__(self, job: Job) -> None:
        self.job = job
        self.seconds = 0.0

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        with self._counted():
            self.job.write_json("config.json", {"trainer": args.to_dict(), "world_size": args.world_size})
            self.job.event("phase", name="train", steps=state.max_steps, from_step=state.global_step)

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> TrainerControl:
        with self._counted():
            self.job.progress(state.global_step, state.max_steps, "step")
        if self.job.cancelled:
            control.should_save = True
            control.should_training_stop = True
        return control

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: Mapping[str, Any] | None = None,
        **_: Any,
    ) -> None:
        if not state.is_world_process_zero or logs is None or TOTALS in logs:
            return
        with self._counted():
            values = {name: value for name, value in logs.items() if _is_measured(name, value)}
            self.job.metrics(state.global_step, values)

    def on_save(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        if not state.is_world_process_zero:
            return
        with self._counted():
            snapshot = Path(args.output_dir) / f"checkpoint-{state.global_step}"
            place = snapshot.relative_to(self.job.folder).as_posix()
            # If we die before this line, the snapshot exists but is never resumed from: nobody vouches for its bytes.
            self.job.event("saved", step=state.global_step, path=place, files=file_hashes(snapshot))

    @contextmanager
    def _counted(self) -> Iterator[None]:
        begun = time.perf_counter()
        try:
            yield
        finally:
            self.seconds += time.perf_counter() - begun


def _is_measured(name: str, value: Any) -> bool:
    is_number = isinstance(value, Real) and not isinstance(value, bool)
    return is_number and name not in NOT_MEASURED and not name.startswith(TIMINGS)
