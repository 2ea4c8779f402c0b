"""What a contestant of the benchmark of sentiment classifiers is.

A contestant is a function ``(train, labels, seed) -> Fitted``. Texts arrive as the token lists of
``helpers.data.tokenize``, labels are 1 for a positive review and 0 for a negative one, and whatever
is random comes from the seed. Everything else, a vocabulary too, is learned from ``train``.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Fitted:
    """A trained classifier.

    Attributes:
        score: maps token lists to an array ``(N,)`` of floats in their order; above zero means
            positive.
        parameters: how many numbers were learned.
    """

    score: Callable[[Sequence[list[str]]], np.ndarray]
    parameters: int


Contestant = Callable[[Sequence[list[str]], Sequence[int], int], Fitted]
