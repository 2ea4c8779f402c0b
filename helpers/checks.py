"""Argument checks that name the argument, what was got and what was expected.

Every public function of the helpers turns bad input away with these, so that a reader meets one
sentence about their own call, not a message from deep inside torch. The numbers inside a tensor are
looked at only where that is cheap or the answer would hide them. A layer lets nan through, and nan
it gives: what it computes from a nan is nan, never a number.
"""

import math
import os
from numbers import Integral, Real
from pathlib import Path

import torch
from torch import Tensor, nn

__all__ = [
    "as_float",
    "check_device",
    "check_finite",
    "check_flag",
    "check_floats",
    "check_generator",
    "check_ids",
    "check_in_range",
    "check_int",
    "check_mask",
    "check_module",
    "check_not_meta",
    "check_path",
    "check_sizes",
    "check_tensor",
    "shown",
]

_INTEGERS = (torch.int64, torch.int32)


def shown(value: object) -> str:
    """Return ``value`` for a message: as one line, cut off if it is long."""
    try:
        text = " ".join(repr(value).split())
    except ValueError:  # Python does not write out integers of thousands of digits
        text = f"a very large {type(value).__name__}"
    return text if len(text) <= 60 else f"{text[:57]}..."


def check_int(name: str, value: object, *, minimum: int = 1) -> int:
    """Return ``value`` as an int of at least ``minimum``.

    Raises:
        TypeError: ``value`` is no integer (a bool is none either).
        ValueError: ``value`` is below ``minimum``, or 2**63 and more: no tensor counts so far.
    """
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise TypeError(f"{name} must be an integer, got {shown(value)}")
    value = int(value)
    if value < minimum:
        raise ValueError(f"{name} must be at least {minimum}, got {shown(value)}")
    if value >= 2**63:
        raise ValueError(f"{name} must be below 2**63, got {shown(value)}")
    return value


def as_float(value: object) -> float:
    """Return a real number as a float, inf if it is too large for one; nan for anything else."""
    if isinstance(value, bool) or not isinstance(value, Real):
        return math.nan
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def check_in_range(name: str, value: object, low: float, high: float) -> float:
    """Return ``value`` as a finite float with ``low <= value < high``.

    Raises:
        TypeError: ``value`` is no real number.
        ValueError: ``value`` is not finite or lies outside the range.
    """
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name} must be a number, got {shown(value)}")
    number = as_float(value)
    if not math.isfinite(number) or not low <= number < high:
        raise ValueError(f"{name} must be at least {low} and below {high}, got {shown(value)}")
    return number


def check_flag(name: str, value: object) -> bool:
    """Return ``value`` if it is True or False.

    Raises:
        TypeError: it is something else, such as 1 or "no".
    """
    if value is not True and value is not False:
        raise TypeError(f"{name} must be True or False, got {shown(value)}")
    return value


def check_generator(name: str, value: object) -> torch.Generator | None:
    """Return ``value`` if it is a ``torch.Generator`` or None.

    Raises:
        TypeError: it is something else, such as a seed.
    """
    if value is not None and not isinstance(value, torch.Generator):
        raise TypeError(
            f"{name} must be a torch.Generator or None, got {shown(value)}; "
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


def check_path(name: str, value: object) -> Path:
    """Return ``value`` as a path, whether or not anything is there.

    Raises:
        TypeError: ``value`` is neither a text nor a path.
        ValueError: the system can have no file of that name.
    """
    if not isinstance(value, str | os.PathLike):
        raise TypeError(f"{name} must be a text or a path, got {shown(value)}")
    path = Path(value)
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return path
    except (OSError, ValueError) as error:  # too long, or with a character that no name has
        raise ValueError(f"{name} must be a possible path, got {shown(str(path))}") from error
    return path


def check_tensor(name: str, value: object, shape: tuple[int | str, ...]) -> Tensor:
    """Return ``value`` if it is a dense tensor of the given shape.

    Args:
        shape: one entry a dimension: an int must match, a letter stands for any size;
            ``("...",)`` is any shape.

    Raises:
        TypeError: ``value`` is no tensor, or a sparse or nested one.
        ValueError: the rank or a fixed size differs.
    """
    if not isinstance(value, Tensor):
        raise TypeError(f"{name} must be a tensor, got {type(value).__name__}")
    if value.is_nested or value.layout is not torch.strided:
        raise TypeError(f"{name} must be a dense tensor, got one of layout {value.layout}")
    fits = shape == ("...",) or (
        value.dim() == len(shape)
        and all(isinstance(w, str) or w == n for w, n in zip(shape, value.shape, strict=True))
    )
    if not fits:
        wanted = f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"
        raise ValueError(f"{name} must have shape {wanted}, got {tuple(value.shape)}")
    return value


def check_floats(
    name: str,
    value: object,
    shape: tuple[int | str, ...],
    like: Tensor | None = None,
    whose: str = "the weights",
) -> Tensor:
    """Return ``value`` if it is a floating-point tensor of this shape that ``like`` can meet.

    Args:
        shape: as in `check_tensor`.
        like: has the dtype and device that ``value`` must have; None demands neither.
        whose: what ``like`` is, for the message.

    Raises:
        TypeError: no tensor, or of another dtype.
        ValueError: the shape does not fit, or the tensor lies on another device.
    """
    value = check_tensor(name, value, shape)
    if like is not None:
        if value.dtype != like.dtype:
            raise TypeError(f"{name} must be {like.dtype} like {whose}, got {value.dtype}")
        check_device(name, value, like, whose)
    elif not value.is_floating_point():
        raise TypeError(f"{name} must hold floating-point numbers, got {value.dtype}")
    return value


def check_device(name: str, value: Tensor, like: Tensor, whose: str) -> Tensor:
    """Return ``value`` if it lies on the device of ``like``, which the message calls ``whose``.

    Raises:
        ValueError: it lies on another.
    """
    if value.device != like.device:
        raise ValueError(f"{name} must lie on {like.device} like {whose}, got {value.device}")
    return value


def check_not_meta(name: str, value: Tensor) -> Tensor:
    """Return ``value`` unless it is a shape only.

    Raises:
        ValueError: it lies on the device "meta", where a tensor holds no numbers.
    """
    if value.is_meta:
        raise ValueError(f"{name} must hold numbers, got a tensor on the device meta")
    return value


def check_finite(name: str, value: Tensor) -> Tensor:
    """Return ``value`` if it holds no nan and no inf.

    Raises:
        ValueError: it does, or it lies on the device "meta".
    """
    check_not_meta(name, value)
    if not value.isfinite().all():
        raise ValueError(f"{name} must be finite, got nan or inf")
    return value


def check_ids(name: str, ids: object, vocab_size: int, like: Tensor | None = None) -> Tensor:
    """Return ``ids`` if it is a ``(B, T)`` tensor of token ids in ``0 .. vocab_size - 1``.

    Args:
        like: the weights that look the ids up; None demands no device.

    Raises:
        TypeError: no tensor, or not an integer dtype.
        ValueError: not of rank 2, empty, on another device, or an id outside the vocabulary.
    """
    ids = check_tensor(name, ids, ("B", "T"))
    if ids.dtype not in _INTEGERS:
        raise TypeError(f"{name} must hold int64 or int32 token ids, got {ids.dtype}")
    if ids.numel() == 0:
        raise ValueError(f"{name} must hold at least one token, got shape {tuple(ids.shape)}")
    if like is not None:
        check_device(name, ids, like, "the weights")
    check_not_meta(name, ids)
    low, high = int(ids.min()), int(ids.max())
    if low < 0 or high >= vocab_size:
        culprit = low if low < 0 else high
        raise ValueError(f"{name} must lie in 0..{vocab_size - 1}, got the id {culprit}")
    return ids


def check_mask(
    name: str,
    value: object,
    shape: tuple[int | str, ...],
    like: Tensor,
    whose: str = "the weights",
) -> Tensor:
    """Return ``value`` if it is a boolean mask of this shape on the device of ``like``.

    Raises:
        TypeError: no boolean tensor.
        ValueError: the shape does not fit, or the mask lies on another device.
    """
    got = value.dtype if isinstance(value, Tensor) else type(value).__name__
    if got is not torch.bool:
        raise TypeError(f"{name} must be a boolean tensor, True = may attend, got {got}")
    value = check_tensor(name, value, shape)
    check_device(name, value, like, whose)
    return value


def check_sizes(ninp: object, nhead: object, *, even: bool = True, **sizes: object) -> None:
    """Check the sizes of a model that calls them as the course's original notes do.

    Args:
        ninp: the model's width.
        nhead: its number of heads.
        even: whether the width must be even, as sines and cosines of positions need it.
        sizes: all others, each by its name.

    Raises:
        TypeError: a size is no integer.
        ValueError: a size is below 1, or ``ninp`` is not divisible by ``nhead``, or odd.
    """
    for name, value in {"ninp": ninp, "nhead": nhead, **sizes}.items():
        check_int(name, value)
    if even and ninp % 2:
        raise ValueError(f"ninp must be even (sines and cosines come in pairs), got {ninp}")
    if ninp % nhead:
        raise ValueError(f"ninp must be divisible by nhead, got ninp={ninp} and nhead={nhead}")
