"""What a run rests on: seeds and threads, the mode of a model, and progress bars.

Seeds and threads decide whether a run can be repeated. One thread is the default. Two threads add
up floating-point numbers in another order, so the last digits differ, and on a busy machine they
can be far slower than one. The environment variable ``COURSE_THREADS`` asks for more.

A progress bar leaves nothing behind, neither on a terminal nor in a stored notebook.
"""

import os
import random
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import nn
from tqdm import TqdmWarning

from helpers.contracts import Count, guard
from helpers.refusals import refusal

with warnings.catch_warnings():  # without ipywidgets a kernel gets no bar, and no warning either
    warnings.simplefilter("ignore", TqdmWarning)
    from tqdm.auto import tqdm

__all__ = ["evaluation_mode", "progress_bar", "seed_everything", "set_threads"]


def set_threads() -> int:
    """Set torch's thread count to ``COURSE_THREADS`` (default 1) and return it."""
    asked = os.environ.get("COURSE_THREADS", "1")
    if not asked.isascii() or not asked.isdigit() or not 1 <= int(asked) <= 1024:
        raise refusal("COURSE_THREADS", "be an integer from 1 to 1024", asked)
    torch.set_num_threads(int(asked))
    return int(asked)


def seed_everything(seed: Count) -> torch.Generator:
    """Seed Python's, NumPy's and torch's global generators and return a generator of its own.

    The global seeds fix how modules are initialised and what dropout drops; the returned generator
    is for drawing data, so that a change in the model does not change the data.

    Args:
        seed: below 2**32 (NumPy's range).
    """
    if seed >= 2**32:
        raise refusal("seed", "be below 2**32", seed)
    random.seed(int(seed))  # it takes no integer of NumPy's
    np.random.seed(seed)  # noqa: NPY002 - libraries without a generator argument read this state
    torch.manual_seed(seed)
    return torch.Generator().manual_seed(int(seed))


@contextmanager
def evaluation_mode(model: nn.Module) -> Iterator[None]:
    """Switch every part of ``model`` to evaluation (no dropout), and back to the mode before."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training


def progress_bar(description: str = "", **options: Any) -> tqdm:
    """Make a bar that shows on a terminal and in a live notebook, and vanishes when closed.

    It stays away where standard error is a file or a pipe, and where the environment variable
    ``TQDM_DISABLE`` is set to anything but the empty string.

    Args:
        description: the text before the bar.
        options: further arguments of ``tqdm``.

    The environment is read here because tqdm reads TQDM_DISABLE only as the default of its
    argument ``disable``, once, at import, and its notebook bar then overrides it. None means "not
    where standard error is no terminal" to the plain bar, and "show" to the notebook's.
    """
    disable = True if os.environ.get("TQDM_DISABLE") else None
    return tqdm(desc=description, disable=disable, leave=False, **options)


guard(globals())
