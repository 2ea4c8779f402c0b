"""The mode of a model: in training dropout drops, in evaluation it does not."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn

from helpers.checks import check_module

__all__ = ["evaluation_mode"]


@contextmanager
def evaluation_mode(model: nn.Module) -> Iterator[None]:
    """Switch every part of ``model`` to evaluation, and back to the mode that it was in.

    Raises:
        TypeError: ``model`` is no module.
    """
    modes = [(module, module.training) for module in check_module("model", model).modules()]
    model.eval()
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training
