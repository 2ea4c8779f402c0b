"""Seeds and threads: the two settings that decide whether a run can be repeated.

One thread is the default. Two threads add up floating-point numbers in another order, so the last
digits differ, and on a busy machine they can be far slower than one. The environment variable
``COURSE_THREADS`` asks for more.
"""

import os
import random

import numpy as np
import torch

from helpers.checks import check_int, shown

__all__ = ["seed_everything", "set_threads"]


def set_threads() -> int:
    """Set torch's thread count to ``COURSE_THREADS`` (default 1) and return it.

    Raises:
        ValueError: the variable holds anything but an integer from 1 to 1024.
    """
    asked = os.environ.get("COURSE_THREADS", "1")
    digits = asked.lstrip("0")
    if not asked.isascii() or not asked.isdigit() or not digits:
        raise ValueError(f"COURSE_THREADS must be a positive integer, got {shown(asked)}")
    if len(digits) > 4 or int(digits) > 1024:
        raise ValueError(f"COURSE_THREADS must be at most 1024, got {shown(asked)}")
    torch.set_num_threads(int(asked))
    return int(asked)


def seed_everything(seed: int) -> torch.Generator:
    """Seed Python's, NumPy's and torch's global generators and return a generator of its own.

    The global seeds fix how modules are initialised and what dropout drops; the returned generator
    is for drawing data, so that a change in the model does not change the data.

    Args:
        seed: an integer from 0 to 2**32 - 1 (NumPy's range).
    """
    seed = check_int("seed", seed, minimum=0)
    if seed >= 2**32:
        raise ValueError(f"seed must be below 2**32, got {seed}")
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - libraries without a generator argument read this state
    torch.manual_seed(seed)
    return torch.Generator().manual_seed(seed)
