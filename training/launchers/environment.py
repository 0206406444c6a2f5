"""What a job process sees of our environment: a short list of names, never a secret but the key of the endpoint it asks."""

import os
from collections.abc import Mapping
from pathlib import Path

INHERITED = (
    "PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "LD_LIBRARY_PATH",
    "CUDA_VISIBLE_DEVICES", "CUDA_HOME", "NVIDIA_VISIBLE_DEVICES", "NVIDIA_DRIVER_CAPABILITIES",
    "OMP_NUM_THREADS", "ATEN_CPU_CAPABILITY",
)  # fmt: skip


def job_environment(root: Path, cache: Path, outside: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Variables of a job process. `root` is the folder that holds our packages, `cache` one the job may write into."""
    return {
        "OMP_NUM_THREADS": "2",
        **{name: outside[name] for name in INHERITED if name in outside},
        # Two waiting threads that spin are slower than one on a shared machine.
        "OMP_WAIT_POLICY": "PASSIVE",
        "HF_HUB_OFFLINE": "1",
        "HF_DATASETS_OFFLINE": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "CHARTER_CACHE": str(cache),
        "HF_HOME": str(cache / "huggingface"),
        "TRL_EXPERIMENTAL_SILENCE": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "CUBLAS_WORKSPACE_CONFIG": ":4096:8",
        "PYTHONHASHSEED": "0",
        "PYTHONPATH": str(root),
        # `python -m` would otherwise import from the job's own folder first.
        "PYTHONSAFEPATH": "1",
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
