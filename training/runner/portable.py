"""The part of a trainer's configuration that is the same for every method: where it runs, what it reports to, its seeds."""

from typing import Any

import torch

from training.runner.job import Job

KEPT_SNAPSHOTS = 2


def portable_config(job: Job) -> dict[str, Any]:
    """Arguments of any TRL configuration, for this machine and this job."""
    accelerated = torch.cuda.is_available()
    return {
        "output_dir": str(job.snapshot_dir),
        "seed": job.seed,
        # The order of the rows hangs on this one alone; left to its default, another seed would change nothing.
        "data_seed": job.seed,
        "use_cpu": not accelerated,
        # The weights carry the number format. TRL's default would turn on autocast, which fails without a GPU.
        "bf16": False,
        "dataloader_pin_memory": accelerated,
        "report_to": "none",
        "disable_tqdm": True,
        "save_total_limit": KEPT_SNAPSHOTS,
        "include_num_input_tokens_seen": "non_padding",
        # A loss that is no number must be seen as such, not averaged away.
        "logging_nan_inf_filter": False,
    }
