"""A right call of everything public, with what the ``right_calls_...`` of each topic says is given.

Arguments stand there as a dict, or as a function that makes one where a call may change them.
"""

import inspect
from collections.abc import Callable
from typing import Any

import torch

from helpers import data, figures, loan, running, training, transformer, vision, weights
from tests.helpers import (
    right_calls_data,
    right_calls_figures,
    right_calls_loan,
    right_calls_training,
    right_calls_transformer,
    right_calls_vision,
)

HELPERS = (data, figures, loan, running, training, transformer, vision, weights)
GIVEN = {
    **right_calls_data.GIVEN,
    **right_calls_figures.GIVEN,
    **right_calls_loan.GIVEN,
    **right_calls_training.GIVEN,
    **right_calls_transformer.GIVEN,
    **right_calls_vision.GIVEN,
}


def right_call(name: str) -> tuple[Callable, dict[str, Any]]:
    """Return a function, or a method of an object made by a right call, and what it is given."""
    owner, _, method = name.partition(".")
    function = next(vars(module)[owner] for module in HELPERS if owner in vars(module))
    if method:
        make = right_calls_vision.WITHOUT_THE_LARGE_LAYERS.get(owner, function)
        function = getattr(make(**arguments(owner, function)), method)
    return function, arguments(name, function)


def arguments(name: str, function: Callable) -> dict[str, Any]:
    given = GIVEN[name]() if callable(GIVEN[name]) else dict(GIVEN[name])
    if "generator" in inspect.signature(function).parameters:
        given["generator"] = torch.Generator().manual_seed(0)
    return given
