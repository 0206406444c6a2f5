"""What a run ran on, as far as it can change the result: code, packages, processor, accelerator, threads. No secrets."""

import hashlib
import os
import platform
import shutil
import subprocess
from collections.abc import Mapping
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import torch

from governance.ledger.canonical import canonical, sha256_hex

ROOT = Path(__file__).resolve().parents[2]
CODE = ROOT / "training"
RECORDED_VARIABLES = (
    "ATEN_CPU_CAPABILITY",
    "CUBLAS_WORKSPACE_CONFIG",
    "CUDA_VISIBLE_DEVICES",
    "HF_HUB_OFFLINE",
    "KMP_AFFINITY",
    "LOCAL_WORLD_SIZE",
    "MKL_NUM_THREADS",
    "NCCL_ALGO",
    "OMP_NUM_THREADS",
    "OMP_WAIT_POLICY",
    "OPENBLAS_NUM_THREADS",
    "PYTHONHASHSEED",
    "PYTORCH_CUDA_ALLOC_CONF",
    "SLURM_JOB_ID",
    "WORLD_SIZE",
)
"""The environment variables that are written down; all others may hold secrets and are left out."""
COMMAND_SECONDS = 20


def describe() -> dict[str, Any]:
    """The environment of this process, for `environment.json`."""
    return {
        "python": platform.python_version(),
        "system": {"name": platform.system(), "release": platform.release(), "machine": platform.machine()},
        "packages": packages(),
        "torch": {"version": torch.__version__, "build": torch.__config__.show().strip().splitlines()},
        "processor": _processor(),
        "accelerators": _accelerators(),
        "threads": {"intra_op": torch.get_num_threads(), "inter_op": torch.get_num_interop_threads()},
        "variables": {name: os.environ[name] for name in RECORDED_VARIABLES if name in os.environ},
        "code": {"digest": code_digest(CODE), **_checkout()},
    }


def packages() -> dict[str, str]:
    """Every installed distribution and its version."""
    found = {item.metadata["Name"]: item.version for item in distributions() if item.metadata["Name"]}
    return dict(sorted(found.items(), key=lambda item: item[0].lower()))


def code_digest(folder: Path) -> str:
    """SHA-256 of the canonical list of [path, SHA-256] over the Python sources below a folder."""
    sources = sorted(folder.rglob("*.py"))
    return sha256_hex(
        canonical(
            [
                [path.relative_to(folder).as_posix(), hashlib.sha256(path.read_bytes()).hexdigest()]
                for path in sources
            ]
        )
    )


def _processor() -> dict[str, Any]:
    return {
        "model": _processor_model(),
        "capability": torch.backends.cpu.get_cpu_capability(),
        "cores": os.cpu_count(),
        "usable_cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
    }


def _processor_model() -> str:
    listing = Path("/proc/cpuinfo")
    lines = listing.read_text().splitlines() if listing.is_file() else []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or "unknown")


def _accelerators() -> dict[str, Any]:
    if not torch.cuda.is_available():
        return {"devices": []}
    return {
        "devices": [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())],
        "cuda": torch.version.cuda,
        "cudnn": torch.backends.cudnn.version(),
        "driver": _output(["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]),
    }


def _checkout() -> Mapping[str, Any]:
    """Commit and whether the tree differs from it, where the code runs from a git checkout."""
    if not (ROOT / ".git").exists():
        return {"commit": None, "modified": None}
    changes = _output(["git", "-C", str(ROOT), "status", "--porcelain"])
    return {
        "commit": _output(["git", "-C", str(ROOT), "rev-parse", "HEAD"]),
        "modified": None if changes is None else bool(changes),
    }


def _output(command: list[str]) -> str | None:
    """What a command prints, or None where it is missing or fails: the environment is then known a little less."""
    program = shutil.which(command[0])
    if program is None:
        return None
    try:
        done = subprocess.run(  # noqa: S603 -- fixed commands, no shell
            [program, *command[1:]], capture_output=True, text=True, timeout=COMMAND_SECONDS, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
