"""Argument checks that name the argument, what was got and what was expected.

Every public function of the helpers turns bad input away with these, so that a reader meets one
sentence about their own call, not a message from deep inside torch.
"""

import math
from numbers import Integral, Real

import torch
from torch import Tensor, nn

__all__ = [
    "check_generator",
    "check_ids",
    "check_in_range",
    "check_int",
    "check_module",
    "check_tensor",
]


def check_int(name: str, value: object, *, minimum: int = 1) -> int:
    """Return ``value`` as an int of at least ``minimum``.

    Raises:
        TypeError: ``value`` is no integer (a bool is none either).
        ValueError: ``value`` is below ``minimum``.
    """
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise TypeError(f"{name} must be an integer, got {value!r}")
    if value < minimum:
        raise ValueError(f"{name} must be at least {minimum}, got {value}")
    return int(value)


def check_in_range(name: str, value: object, low: float, high: float) -> float:
    """Return ``value`` as a finite float with ``low <= value < high``.

    Raises:
        TypeError: ``value`` is no real number.
        ValueError: ``value`` is not finite or lies outside the range.
    """
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name} must be a number, got {value!r}")
    if not math.isfinite(value) or not low <= value < high:
        raise ValueError(f"{name} must be at least {low} and below {high}, got {value}")
    return float(value)


def check_generator(name: str, value: object) -> torch.Generator | None:
    """Return ``value`` if it is a ``torch.Generator`` or None.

    Raises:
        TypeError: it is something else, such as a seed.
    """
    if value is not None and not isinstance(value, torch.Generator):
        raise TypeError(
            f"{name} must be a torch.Generator or None, got {value!r}; "
            "for a seed use torch.Generator().manual_seed(seed)"
        )
    return value


def check_module(name: str, value: object) -> nn.Module:
    """Return ``value`` if it is a ``torch.nn.Module``.

    Raises:
        TypeError: it is none.
    """
    if not isinstance(value, nn.Module):
        raise TypeError(f"{name} must be a torch.nn.Module, got {type(value).__name__}")
    return value


def check_tensor(name: str, value: object, shape: tuple[int | str, ...]) -> Tensor:
    """Return ``value`` if it is a tensor of the given shape.

    Args:
        shape: one entry a dimension: an int must match, a letter stands for any size.

    Raises:
        TypeError: ``value`` is no tensor.
        ValueError: the rank or a fixed size differs.
    """
    if not isinstance(value, Tensor):
        raise TypeError(f"{name} must be a tensor, got {type(value).__name__}")
    matches = value.dim() == len(shape) and all(
        isinstance(want, str) or got == want for got, want in zip(value.shape, shape, strict=True)
    )
    if not matches:
        wanted = f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"
        raise ValueError(f"{name} must have shape {wanted}, got {tuple(value.shape)}")
    return value


def check_ids(name: str, ids: object, vocab_size: int) -> Tensor:
    """Return ``ids`` if it is a ``(B, T)`` tensor of token ids in ``0 .. vocab_size - 1``.

    Raises:
        TypeError: no tensor, or not an integer dtype.
        ValueError: not of rank 2, empty, or an id outside the vocabulary.
    """
    ids = check_tensor(name, ids, ("B", "T"))
    if ids.dtype not in (torch.int64, torch.int32):
        raise TypeError(f"{name} must hold int64 or int32 token ids, got {ids.dtype}")
    if ids.numel() == 0:
        raise ValueError(f"{name} must hold at least one token, got shape {tuple(ids.shape)}")
    low, high = int(ids.min()), int(ids.max())
    if low < 0 or high >= vocab_size:
        culprit = low if low < 0 else high
        raise ValueError(f"{name} must lie in 0..{vocab_size - 1}, got the token id {culprit}")
    return ids
