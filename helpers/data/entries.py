"""What stands in a list, to which a signature alone holds nobody: tokens, or integers."""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Bool, Int
from torch import Tensor

from helpers.refusals import refusal

Integers = Sequence[int] | np.ndarray | Int[Tensor, " N"]


def check_tokens(name: str, tokens: object) -> None:
    """Refuse a text that was not tokenised: it would be taken for a list of letters."""
    listed = isinstance(tokens, Sequence) and not isinstance(tokens, str)
    if not listed or not all(isinstance(token, str) for token in tokens):
        raise refusal(name, "be a list of tokens", tokens, TypeError)


def mask_of(rows: Sequence[Sequence | np.ndarray | Tensor]) -> Bool[Tensor, "B T"]:
    """Return where entries stand when rows are padded to the longest, but to one place at least."""
    lengths = torch.tensor([len(row) for row in rows])  # (B,)
    return torch.arange(max(1, int(lengths.max()))) < lengths[:, None]


def checked_integers(name: str, numbers: Integers, count: int | None = None) -> Int[Tensor, " N"]:
    """Return a row of integers, such as labels, as int64; ``count`` of them, if that is given."""
    row = np.asarray(numbers)
    if row.ndim != 1 or (row.size and row.dtype.kind not in "iu"):
        raise refusal(name, "be a list of integers", numbers, TypeError)
    if count is not None and len(row) != count:
        raise refusal(name, f"have {count} entries, one for each text", len(row))
    return torch.from_numpy(row.astype(np.int64))
