"""Bad input for data sets; the law and its harness are in ``bad_input``. The reviews are ten."""

import math
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
import torch

from bad_input import (
    BOOLEANS,
    FLOATS,
    INTEGERS,
    Entry,
    Kind,
    Law,
    instance,
    integer,
    number,
    one_of,
    optional,
    size,
    tensor,
)
from helpers import datasets
from helpers.datasets import (
    ReviewSplit,
    cluster_batch,
    contiguous_folds,
    generate_batch,
    load_imdb,
    repeating_batch,
    reversal_batch,
    ring_centres,
)
from helpers.digits import random_shift, stratified_split

MODULES = ["datasets", "digits"]
ROOT = Path(__file__).resolve().parents[1]
GENERATOR = optional(instance(torch.Generator))
PATH = instance(str, Path)
LABELS = Kind("integers", lambda value: isinstance(value, list | tuple | np.ndarray | torch.Tensor))
WALKED = Kind("integers, iterators too", lambda v: LABELS.takes(v) or isinstance(v, Iterator))
CLASSES = [0, 1, 1, 0, 0, 1, 1]
ALL_DTYPES = (*FLOATS, *INTEGERS, *BOOLEANS, torch.uint8, torch.complex64)


def seeded() -> torch.Generator:
    return torch.Generator().manual_seed(0)


# Synthetic tasks.


def check_ids(ids, given, shape, low=0):
    assert ids.shape == shape
    assert ids.dtype == torch.int64
    assert low <= int(ids.min()) <= int(ids.max()) < given["vocab_size"]


def check_generated(result, given):
    check_ids(result, given, (given["batch_size"], given["length"]))


def check_repeating(result, given):
    check_generated(result, given)
    period = given["period"]
    assert torch.equal(result[:, period:], result[:, :-period])


def check_reversal(result, given):
    src, tgt_in, tgt_out = result
    check_ids(src, given, (given["batch_size"], given["length"]), low=1)
    assert torch.equal(tgt_out, src.flip(1))
    assert torch.equal(tgt_in[:, 1:], tgt_out[:, :-1])
    assert not tgt_in[:, 0].any()


def check_ring(result, given):
    assert result.shape == (given["modes"], 2)
    points = torch.view_as_complex(result.double())
    turns = torch.arange(given["modes"]).double() * (2 * math.pi / given["modes"])
    radius = float(given["radius"])
    expected = torch.polar(torch.full_like(turns, radius), turns)
    assert bool(((points - expected).abs() <= 1e-5 * radius + 1e-38).all())


def check_clusters(result, given):
    centres, spread = given["centres"], float(given["spread"])
    assert result.shape == (given["batch_size"], centres.shape[1])
    assert result.dtype == centres.dtype
    gaps = (result.detach().double()[:, None] - centres.detach().double()).abs()  # (B, K, D)
    rounding = 0.02 * (centres.detach().double().abs().max() if centres.numel() else 0)
    assert bool(
        (gaps.amax(dim=2) if gaps.shape[2] else gaps.sum(2)).amin(1).le(6 * spread + rounding).all()
    )


def labels_of(given):
    labels = CLASSES if isinstance(given["labels"], Iterator) else given["labels"]
    return labels.tolist() if isinstance(labels, np.ndarray | torch.Tensor) else list(labels)


def check_folds(result, given):
    labels, folds = labels_of(given), given["folds"]
    assert len(result) == folds
    assert sorted(place for fold in result for place in fold) == list(range(len(labels)))
    for label, count in Counter(labels).items():
        counts = {sum(labels[place] == label for place in fold) for fold in result}
        assert counts <= {count // folds, -(-count // folds)}


def check_split(result, given):
    labels = labels_of(given)
    stay, held = (part.tolist() for part in result)
    assert sorted(stay + held) == list(range(len(labels)))
    assert (stay, held) == (sorted(stay), sorted(held))
    counted = Counter(labels[place] for place in held)
    assert counted == dict.fromkeys(labels, given["per_class"])


def check_shifted(result, given):
    images, reach = given["images"], given["reach"]
    assert (result.shape, result.dtype) == (images.shape, images.dtype)
    height, width = images.shape[2:]
    down, right = (range(-min(reach, n), min(reach, n) + 1) for n in (height, width))
    framed = torch.zeros(*images.shape[:2], 3 * height, 3 * width, dtype=images.dtype)
    framed[..., height : 2 * height, width : 2 * width] = images.detach()
    for own, moved in zip(framed, result.detach(), strict=True):
        found = [
            own[:, height - y : 2 * height - y, width - x : 2 * width - x]
            for y in down
            for x in right
        ]
        assert any(
            torch.allclose(
                one.to(torch.complex128), moved.to(torch.complex128), rtol=0, atol=0, equal_nan=True
            )
            for one in found
        )


# Reviews.

TEXTS = [f"review {index}" for index in range(10)]
SCORES = [0] * 5 + [1] * 5


def load(**given):
    """Load ten reviews, or what says where the official ones were looked for."""

    def official(folder):
        return ReviewSplit([str(folder)], [], [], [])

    with (
        patch.object(datasets, "_read_packaged", lambda: (TEXTS, SCORES)),
        patch.object(datasets, "_load_official", official),
    ):
        return load_imdb(**given)


def check_reviews(result, given):
    parts = (result.train_texts, result.train_labels), (result.test_texts, result.test_labels)
    assert [len(texts) for texts, _ in parts] == [8, 2]
    together = [pair for texts, labels in parts for pair in zip(texts, labels, strict=True)]
    assert sorted(together) == sorted(zip(TEXTS, SCORES, strict=True))


def check_official(result, given):
    folder = ROOT / "data" if given["data_dir"] is None else Path(given["data_dir"])
    assert result.train_texts == [str(folder)]


ENTRIES = [
    Entry(
        "datasets.generate_batch",
        lambda: (
            generate_batch,
            {"batch_size": 2, "length": 3, "vocab_size": 5, "generator": seeded()},
        ),
        {
            "batch_size": size(),
            "length": size(),
            "vocab_size": integer(1, 2**63 - 1),
            "generator": GENERATOR,
        },
        check_generated,
    ),
    Entry(
        "datasets.repeating_batch",
        lambda: (
            repeating_batch,
            {"batch_size": 2, "length": 7, "vocab_size": 5, "period": 3, "generator": seeded()},
        ),
        {
            "batch_size": size(),
            "length": size(),
            "vocab_size": integer(1, 2**63 - 1),
            "period": integer(1, 6),
            "generator": GENERATOR,
        },
        check_repeating,
    ),
    Entry(
        "datasets.reversal_batch",
        lambda: (
            reversal_batch,
            {"batch_size": 2, "length": 3, "vocab_size": 5, "generator": seeded()},
        ),
        {
            "batch_size": size(),
            "length": size(),
            "vocab_size": integer(2, 2**63 - 1),
            "generator": GENERATOR,
        },
        check_reversal,
    ),
    Entry(
        "datasets.ring_centres",
        lambda: (ring_centres, {"modes": 5, "radius": 2.0}),
        {"modes": size(), "radius": number(0, torch.finfo().max)},
        check_ring,
    ),
    Entry(
        "datasets.cluster_batch",
        lambda: (
            cluster_batch,
            {"batch_size": 2, "centres": torch.arange(15.0).view(5, 3), "spread": 0.5}
            | {"generator": seeded()},
        ),
        {
            "batch_size": size(),
            "centres": tensor("K", "D"),
            "spread": number(0),
            "generator": GENERATOR,
        },
        check_clusters,
    ),
    Entry(
        "datasets.contiguous_folds",
        lambda: (contiguous_folds, {"labels": CLASSES, "folds": 3}),
        {"labels": WALKED, "folds": integer(2, 3)},
        check_folds,
        extra={
            "labels": {
                "an array": lambda: np.array([2, 2, 2, 3, 3, 3, 3]),
                "a tensor": lambda: torch.tensor([2, 2, 2, 3, 3, 3, 3]),
                "halves": lambda: [0.5] * 7,
                "on meta": lambda: torch.zeros(7, dtype=torch.int64, device="meta"),
            }
        },
    ),
    Entry(
        "datasets.load_imdb",
        lambda: (
            load,
            {"split": "position", "source": "packaged", "data_dir": None, "seed": 0},
        ),
        {
            "split": one_of("position", "shuffled"),
            "source": one_of("packaged"),
            "data_dir": one_of(None),
            "seed": integer(0, 2**63 - 1),
        },
        check_reviews,
        extra={"split": {"shuffled": lambda: "shuffled"}},
    ),
    Entry(
        "datasets.load_imdb",
        lambda: (
            load,
            {"split": "position", "source": "official", "data_dir": None},
        ),
        {"split": one_of("position"), "source": one_of("official"), "data_dir": optional(PATH)},
        check_official,
        extra={"split": {"shuffled": lambda: "shuffled"}},
    ),
    Entry(
        "digits.stratified_split",
        lambda: (stratified_split, {"labels": CLASSES, "per_class": 2, "seed": 0}),
        {"labels": LABELS, "per_class": integer(1, 2), "seed": integer(0, 2**63 - 1)},
        check_split,
        extra={
            "labels": {
                "an array": lambda: np.array([2, 2, 2, 3, 3, 3, 3]),
                "a tensor": lambda: torch.tensor([2, 2, 2, 3, 3, 3, 3]),
                "on meta": lambda: torch.zeros(7, dtype=torch.int64, device="meta"),
                "sparse": lambda: torch.ones(7, dtype=torch.int64).to_sparse(),
                "a tensor of halves": lambda: torch.full((7,), 0.5),
            }
        },
    ),
    Entry(
        "digits.random_shift",
        lambda: (
            random_shift,
            {"images": torch.arange(105.0).view(3, 1, 7, 5), "reach": 2, "generator": seeded()},
        ),
        {
            "images": tensor("N", "C", "Y", "X", dtype=ALL_DTYPES),
            "reach": size(0),
            "generator": GENERATOR,
        },
        check_shifted,
    ),
]


class TestLaw(Law):
    entries = ENTRIES
    modules = MODULES
    examples = 30


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda n: generate_batch(n, 3, 5), "batch_size times length .*, got {} x 3$"),
        (lambda n: generate_batch(2, n, 5), "batch_size times length .*, got 2 x {}$"),
        (lambda n: repeating_batch(n, 7, 5, period=3), "batch_size times length .*, got {} x 7$"),
        (lambda n: repeating_batch(2, n, 5, period=3), "batch_size times length .*, got 2 x {}$"),
        (lambda n: reversal_batch(n, 3, 5), "batch_size times length .*, got {} x 3$"),
        (lambda n: ring_centres(n), "modes must be at most 268,435,456, got {}$"),
        (
            lambda n: cluster_batch(n, torch.ones(5, 3), spread=1),
            "batch_size times width .*, got {} x 3$",
        ),
        (lambda n: random_shift(torch.ones(2, 1, 5, 7), reach=n), "reach must leave room .* {}$"),
    ],
)
@pytest.mark.parametrize("number", [2**28, 2**31, 2**62])
def test_what_would_fill_the_memory_is_refused(call, named, number):
    number += 1
    with pytest.raises(ValueError, match=named.format(number)):
        call(number)
