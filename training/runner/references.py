"""The model that a training is held close to."""

from typing import Any

from training.methods.common import TrainerParams
from training.runner import trl_job
from training.runner.job import Job

ROLE = "reference_model"


def reference_of(job: Job, params: TrainerParams, tokenizer: Any) -> Any:
    """The model in the role `reference_model`, or `init_from`; None where that is the model with its adapter switched off.

    Raises BadInput for one that writes other tokens.
    """
    if not job.inputs.get(ROLE):
        return None if params.lora else trl_job.load_model(job.the_input("init_from"), params)
    reference = job.the_input(ROLE)
    trl_job.check_same_tokens(
        job.the_input("init_from"), tokenizer, reference, trl_job.load_tokenizer(reference)
    )
    return trl_job.load_model(reference, params)
