"""Progress bars that leave nothing behind, neither on a terminal nor in a stored notebook."""

import os
import warnings
from typing import Any

from tqdm import TqdmWarning

with warnings.catch_warnings():  # without ipywidgets a kernel gets no bar, and no warning either
    warnings.simplefilter("ignore", TqdmWarning)
    from tqdm.auto import tqdm

from helpers.checks import shown

__all__ = ["progress_bar"]


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
    if not isinstance(description, str):
        raise TypeError(f"description must be a text, got {shown(description)}")
    disable = True if os.environ.get("TQDM_DISABLE") else None
    return tqdm(desc=description, disable=disable, leave=False, **options)
