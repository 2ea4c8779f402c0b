"""Synthetic tasks, of which the best possible answer is known: functions of a generator alone.

Dimensions: ``B`` batch, ``T`` tokens, ``K`` centres, ``D`` coordinates of a point.
"""

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor

from helpers.contracts import Positive, Size, guard
from helpers.refusals import refusal

__all__ = ["cluster_batch", "generate_batch", "repeating_batch", "reversal_batch", "ring_centres"]

Batch = Int[Tensor, "{batch_size} {length}"]


def generate_batch(
    batch_size: Size, length: Size, vocab_size: Size, *, generator: torch.Generator | None = None
) -> Batch:
    """Draw random tokens: uniform, independent, and therefore with nothing to learn.

    The ids lie in ``0 .. vocab_size - 1``.
    """
    return torch.randint(vocab_size, (batch_size, length), generator=generator)


def repeating_batch(
    batch_size: Size,
    length: Size,
    vocab_size: Size,
    *,
    period: Size,
    generator: torch.Generator | None = None,
) -> Batch:
    """Draw a random pattern for every row and repeat it: from the second round on, the next token
    can be read off the token ``period`` places back.

    Args:
        batch_size, length, vocab_size: as in :func:`generate_batch`.
        period: tokens in the pattern, below ``length`` so that something is repeated. The last
            repetition is cut off where the row ends.
    """
    if period >= length:
        raise refusal("period", f"be below length={length}", period)
    pattern = generate_batch(batch_size, period, vocab_size, generator=generator)  # (B, period)
    return pattern[:, torch.arange(length) % period]  # (B, T)


def reversal_batch(
    batch_size: Size, length: Size, vocab_size: Size, *, generator: torch.Generator | None = None
) -> tuple[Batch, Batch, Batch]:
    """Draw rows of random symbols to be written backwards, ready for teacher forcing.

    The symbols are the ids ``1 .. vocab_size - 1``; 0 is the start token.

    Returns:
        ``src``, ``tgt_in`` and ``tgt_out``. ``tgt_out`` is ``src`` reversed. ``tgt_in``, what the
        decoder reads, is ``tgt_out`` one place later, behind the start token: at each place the
        decoder sees the right answers so far.
    """
    if vocab_size < 2:
        raise refusal("vocab_size", "be at least 2 (0 is the start token)", vocab_size)
    src = 1 + generate_batch(batch_size, length, vocab_size - 1, generator=generator)  # (B, T)
    tgt_out = src.flip(1)
    tgt_in = torch.cat([torch.zeros_like(src[:, :1]), tgt_out[:, :-1]], dim=1)  # (B, T)
    return src, tgt_in, tgt_out


def ring_centres(modes: Size = 8, *, radius: Positive = 2.0) -> Float[Tensor, "{modes} 2"]:
    """Return the corners of a regular polygon around the origin, the first on the x axis.

    Args:
        modes: how many corners.
        radius: their distance from the origin.
    """
    angles = torch.arange(modes) * (2 * math.pi / modes)  # (K,)
    return radius * torch.stack([angles.cos(), angles.sin()], dim=1)  # (K, 2)


def cluster_batch(
    batch_size: Size,
    centres: Float[Tensor, "K D"],
    *,
    spread: Positive,
    generator: torch.Generator | None = None,
) -> Float[Tensor, "{batch_size} D"]:
    """Draw points around centres: each centre is equally likely, the scatter around it is normal.

    Args:
        centres: the modes of the distribution.
        spread: standard deviation around a centre, in each direction.
    """
    modes, width = centres.shape
    chosen = centres[torch.randint(modes, (batch_size,), generator=generator)]  # (B, D)
    noise = torch.randn(batch_size, width, dtype=centres.dtype, generator=generator)
    return chosen + spread * noise


guard(globals())
