"""What stands in a list, where a signature cannot look: tokens, or integers."""

from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from helpers.contracts import Such
from helpers.refusals import refusal

Integers = Sequence[int] | np.ndarray | Int[Tensor, " N"]


def are_tokens(tokens: Any) -> bool:
    """Whether this is a list of tokens, and not a text, which would pass for a list of letters."""
    listed = isinstance(tokens, Sequence) and not isinstance(tokens, str)
    return listed and all(isinstance(token, str) for token in tokens)


Tokens = Annotated[Sequence[str], Such("a list of tokens", are_tokens, TypeError)]


def check_tokens(name: str, tokens: object) -> None:
    """Refuse what is no list of tokens."""
    if not are_tokens(tokens):
        raise refusal(name, "be a list of tokens", tokens, TypeError)


def checked_labels(labels: Integers, count: int | None = None) -> Int[Tensor, " N"]:
    """Return class ids as int64, at least one; ``count`` of them, if that is given."""
    if not len(labels):
        raise refusal("labels", "hold at least one label", 0)
    return checked_integers("labels", labels, count)


def checked_integers(name: str, numbers: Integers, count: int | None = None) -> Int[Tensor, " N"]:
    """Return a row of integers, such as labels, as int64; ``count`` of them, if that is given."""
    try:
        row = np.asarray(numbers)
    except (TypeError, ValueError):  # rows of several lengths
        row = np.array(None)
    if row.ndim != 1 or (row.size and row.dtype.kind not in "iu"):
        raise refusal(name, "be a list of integers", numbers, TypeError)
    if count is not None and len(row) != count:
        raise refusal(name, f"have {count} entries, one for each text", len(row))
    return torch.from_numpy(row.astype(np.int64))
