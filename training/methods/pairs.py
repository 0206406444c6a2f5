"""Pairs: rankings of several answers become pairs of a better and a worse one, as reward models and DPO read them."""

from collections.abc import Mapping
from typing import Any

from training.methods import MethodParams, RoleSpec, read

TITLE = "Pairs from rankings"
SOURCE = "derived_from"

ROLES = {SOURCE: RoleSpec(kinds=("dataset",))}


class Params(MethodParams):
    """Nothing can be set: every two answers of different rank become a pair, ties are left out and counted."""


def validate(params: Mapping[str, Any]) -> Params:
    """The parameters; raises BadParams for any that is given."""
    return read(Params, params, where="params")
