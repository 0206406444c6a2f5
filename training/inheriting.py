"""What of a run's inputs stays with what it made: rows that few may read make rows that few may read."""

from governance.registry.models import Activity, Version
from training.stages import Product

DATASET = "dataset"


def is_restricted(product: Product, activity: Activity | None) -> bool:
    """As the stage says; where it says nothing, a dataset is if one of the datasets that the activity used is.

    A model is not by what it was trained on: weights are no rows, and who may read them is for their authors to say.
    """
    if product.restricted is not None:
        return product.restricted
    used = Version.objects.filter(usages__activity=activity, artifact__kind=DATASET, restricted=True)
    return product.kind == DATASET and used.exists()
