"""Functions made up for `test_contracts`, which runs this file as if it lay among the helpers."""

from collections.abc import Sequence
from typing import Any, Literal

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from helpers.contracts import Count, Finite, Positive, Share, Size, guard
from helpers.refusals import check_numbers

__all__ = ["Narrow", "Plain", "Wide"]
__all__ += ["add", "apply", "broadcast", "count", "lookup", "options", "outer", "shifted"]


def add(a: Float[Tensor, "B T"], b: Float[Tensor, "T 3"], mask: Bool[Tensor, " B"] | None = None):
    return a.sum() + b.sum()


def broadcast(
    a: Float[Tensor, "... T K"], b: Bool[Tensor, "... #T #K"] | Bool[Tensor, "#K"] | None = None
):
    return a.shape


def count(
    size: Size = 1, rest: Count = 0, share: Share = 0.0, step: Positive = 1.0, at: Finite = 0.0
):
    return size, rest, share, step, at


def options(
    a: Any = None,
    *,
    flag: bool = True,
    word: str | None = None,
    mode: Literal["fast", "slow"] = "fast",
    one: Size | Sequence = 1,
    generator: torch.Generator | None = None,
    untold=None,
):
    return a, flag, word, one


class Wide(nn.Module):
    def __init__(self, width: Size) -> None:
        super().__init__()
        self.width = width
        self.inner = nn.Linear(width, width)

    def forward(self, x: Float[Tensor, "B {self.width}"], like: Float[Tensor, "B 1"] | None = None):
        return self.inner(x)

    def _private(self, x: Float[Tensor, "B 77"]):
        return x


class Narrow(Wide):
    def other(self, x: Float[Tensor, "{self.width}"]):  # noqa: F821
        return x


class Plain:
    def __init__(self, size: Size) -> None:
        self.size = size


def lookup(ids: Int[Tensor, " B"], size: Size):
    check_numbers("ids", ids, 0, size - 1)
    return ids


def outer(words: Int[Tensor, " B"], more: Int[Tensor, " C"] | None = None):
    if len(words) > 9:
        raise ValueError("this is no refusal")
    return lookup(words if more is None else more, 3)


def shifted(words: Int[Tensor, "#N"]):
    return lookup(words + 1, 3)


def apply(function: Any, given: Any):
    return function(given)


guard(globals())
