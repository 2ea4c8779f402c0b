"""Bad input for runs of words, their ratios and their batches; the law is in ``bad_input``."""

import math

import numpy as np
import torch

from bad_input import Entry, Kind, Law, instance, integer, number, optional, sequence, size, text
from helpers.ngrams import Ngrams, held_out_ratios, log_count_ratios, ngram_batches

MODULES = ["ngrams"]
K, G = 2, 5
TEXTS = [["fig", "plum"], ["pear", "fig", "plum"], ["pear"]]


def rows():
    return [np.array(row) for row in ([[1, 2], [3, 0]], [[4, 1]], [[2, 2]], [[0, 3], [1, 1]])]


def weights():
    return [row.astype(np.float32) / 2 for row in rows()]


LABELS = [1, 0, 0, 1]
FOLDS = [[0, 1], [2, 3]]


def arrays(kinds):
    def takes(value):
        return isinstance(value, list | tuple) and all(
            isinstance(x, np.ndarray) and x.ndim == 2 and x.dtype.kind in kinds for x in value
        )

    return Kind(f"a list of arrays (T, K) of the kinds {kinds}", takes)


def _are_labels(value):
    if torch.is_tensor(value):
        if value.dim() != 1 or value.is_meta or value.layout is not torch.strided:
            return False
        value = value.tolist()
    return sequence(integer(0, 1)).takes(value)


IDS = arrays("iu")
CLASSES = Kind("a row of 0 and 1", _are_labels)
SMOOTHING = number(1e-6, 1e6)


def with_last(make, last):
    return lambda: [*make()[:-1], last]


BAD_ROWS = {
    "a row of floats": with_last(rows, np.ones((2, K))),
    "a row of flags": with_last(rows, np.ones((2, K), dtype=bool)),
    "a row of objects": with_last(rows, np.array([[None, 1]], dtype=object)),
    "a row of texts": with_last(rows, np.array([["a", "b"]])),
    "a row of one axis": with_last(rows, np.ones(K, dtype=int)),
    "a row of three axes": with_last(rows, np.ones((1, 1, K), dtype=int)),
    "a row of another width": with_last(rows, np.ones((2, K + 1), dtype=int)),
    "a row without a word": with_last(rows, np.ones((0, K), dtype=int)),
    "a row of length 3": with_last(rows, np.ones((3, K), dtype=int)),
    "a row of the next id": with_last(rows, np.full((2, K), G)),
    "a row with -1": with_last(rows, np.array([[1, 2], [3, -1]])),
    "a row of int8": with_last(rows, np.ones((2, K), dtype=np.int8)),
    "a row of uint64": with_last(rows, np.ones((2, K), dtype=np.uint64)),
    "a row of huge uint64": with_last(rows, np.full((2, K), 2**64 - 1, dtype=np.uint64)),
    "a row of the other byte order": with_last(rows, np.ones((2, K), dtype=">i8")),
    "a tensor": with_last(rows, torch.ones(2, K, dtype=torch.int64)),
    "rows without runs": lambda: [row[:, :0] for row in rows()],
    "rows upside down": lambda: [row[::-1] for row in rows()],
    "one array": lambda: np.ones((4, 2, K), dtype=int),
}
BAD_WEIGHTS = {
    "integers": rows,
    "flags": with_last(weights, np.ones((2, K), dtype=bool)),
    "complex": with_last(weights, np.ones((2, K), dtype=complex)),
    "objects": with_last(weights, np.array([[None, 1.0], [1.0, 1.0]], dtype=object)),
    "one axis": with_last(weights, np.ones(K)),
    "another length": with_last(weights, np.ones((3, K))),
    "another width": with_last(weights, np.ones((2, K + 1))),
    "float16": with_last(weights, np.ones((2, K), dtype=np.float16)),
    "float64": with_last(weights, np.ones((2, K))),
    "long double": with_last(weights, np.ones((2, K), dtype=np.longdouble)),
    "the other byte order": with_last(weights, np.ones((2, K), dtype=">f4")),
    "nan": with_last(weights, np.full((2, K), np.nan)),
    "inf": with_last(weights, np.full((2, K), -np.inf)),
    "beyond float32": with_last(weights, np.full((2, K), 1e300)),
    "one array": lambda: np.ones((4, 2, K)),
}
BAD_LABELS = {
    "a tensor": lambda: torch.tensor([0, 1, 1, 0]),
    "a tensor of halves": lambda: torch.tensor([0.5, 1, 1, 0]),
    "a tensor of flags": lambda: torch.tensor([True, False, False, True]),
    "on meta": lambda: torch.zeros(4, dtype=torch.int64, device="meta"),
    "of one class": lambda: [1, 1, 1, 1],
    "of three classes": lambda: [0, 1, 2, 1],
    "flags": lambda: [True, False, False, True],
}


def counted(texts, longest, min_texts):
    """The runs that stand in enough texts."""
    found = {}
    for place, words in enumerate(texts):
        for end in range(1, len(words) + 1):
            for n in range(1, min(longest, end) + 1):
                found.setdefault(tuple(words[end - n : end]), set()).add(place)
    return {run for run, places in found.items() if len(places) >= min_texts}


def check_encoded(ids, words, kept):
    assert ids.dtype == np.int32
    expected = [
        [n <= end and tuple(words[end - n : end]) in kept for n in range(1, ids.shape[1] + 1)]
        for end in range(1, len(words) + 1)
    ]
    assert (ids > 0).tolist() == expected


def check_table(table, given):
    kept = counted(given["token_lists"], given["longest"], given["min_texts"])
    assert len(table) == 1 + len(kept)
    for words in given["token_lists"]:
        check_encoded(table.encode(words), words, kept)


def ratios(rows, labels, size, smoothing):
    """The formula, one number at a time; one row of ids a text."""
    labels = labels.tolist() if torch.is_tensor(labels) else labels
    counts = [
        [
            sum(
                bool((row == number).any()) for row, c in zip(rows, labels, strict=True) if c == own
            )
            + float(smoothing)
            for number in range(1, size)
        ]
        for own in (1, 0)
    ]
    p, q = ([x / sum(count) for x in count] for count in counts)
    return [0.0, *(math.log(a / b) for a, b in zip(p, q, strict=True))]


def check_ratios(result, given):
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, ratios(**given), rtol=1e-5, atol=1e-5)


def check_held_out(result, given):
    rows, labels = given["rows"], given["labels"]
    assert sorted(place for fold in given["folds"] for place in fold) == list(range(len(rows)))
    for fold in given["folds"]:
        others = [i for i in range(len(rows)) if i not in fold]
        table = np.array(
            ratios(
                [rows[i] for i in others],
                [int(labels[i]) for i in others],
                given["size"],
                given["smoothing"],
            )
        )
        for i in fold:
            assert result[i].shape == rows[i].shape
            np.testing.assert_allclose(result[i], table[rows[i].astype(int)], rtol=1e-5, atol=1e-5)


def check_batches(result, given):
    seen = []
    for ids, weights, mask, labels in result:
        assert len(labels) <= given["batch_size"]
        assert ids.shape == weights.shape == (*mask.shape, given["rows"][0].shape[1])
        assert not ids[~mask].any()
        assert not weights[~mask].any()
        seen += [
            (row[real].tolist(), label, factors[real].numpy())
            for row, factors, real, label in zip(ids, weights, mask, labels.tolist(), strict=True)
        ]
    labels = [int(label) for label in given["labels"]]
    assert sorted(label for _, label, _ in seen) == sorted(labels)
    if given["word_dropout"] > 0:
        return
    texts = zip(given["rows"], labels, given["weights"], strict=True)
    expected = [(r.tolist(), c, torch.tensor(w.astype(float)).float().numpy()) for r, c, w in texts]
    seen, expected = (sorted(texts, key=lambda text: text[:2]) for texts in (seen, expected))
    assert [text[:2] for text in seen] == [text[:2] for text in expected]
    for (*_, got), (*_, wanted) in zip(seen, expected, strict=True):
        np.testing.assert_array_equal(got, wanted)


ENTRIES = [
    Entry(
        "ngrams.Ngrams",
        lambda: (Ngrams, {"token_lists": TEXTS, "longest": 2, "min_texts": 2}),
        {
            "token_lists": sequence(sequence(text())),
            "longest": integer(1, 8),
            "min_texts": integer(1, 2**63 - 1),
        },
        check_table,
        extra={
            "token_lists": {
                "empty texts": lambda: [[], [], []],
                "texts": lambda: ["fig plum", "pear"],
                "a text among them": lambda: [*TEXTS, "fig"],
                "a number among the words": lambda: [*TEXTS, ["fig", 3]],
            }
        },
    ),
    Entry(
        "ngrams.Ngrams.encode",
        lambda: (Ngrams(TEXTS, longest=2).encode, {"tokens": ["kiwi", "fig", "plum"]}),
        {"tokens": sequence(text())},
        lambda ids, given: check_encoded(ids, given["tokens"], counted(TEXTS, 2, 2)),
    ),
    Entry(
        "ngrams.log_count_ratios",
        lambda: (
            log_count_ratios,
            {"rows": rows(), "labels": LABELS, "size": G, "smoothing": 1.0},
        ),
        {"rows": IDS, "labels": CLASSES, "size": size(), "smoothing": SMOOTHING},
        check_ratios,
        extra={"rows": BAD_ROWS, "labels": BAD_LABELS, "smoothing": {"least": lambda: 1e-6}},
    ),
    Entry(
        "ngrams.held_out_ratios",
        lambda: (
            held_out_ratios,
            {"rows": rows(), "labels": LABELS, "size": G, "folds": FOLDS, "smoothing": 1.0},
        ),
        {
            "rows": IDS,
            "labels": CLASSES,
            "size": size(),
            "folds": sequence(sequence(integer(0, len(LABELS) - 1))),
            "smoothing": SMOOTHING,
        },
        check_held_out,
        extra={
            "rows": BAD_ROWS,
            "labels": BAD_LABELS,
            "folds": {
                "one fold": lambda: [[0, 1, 2, 3]],
                "an empty fold": lambda: [*FOLDS, []],
                "a position too many": lambda: [[0, 1], [2, 3, 3]],
                "a position too few": lambda: [[0, 1], [2]],
                "the next position": lambda: [[0, 1], [2, 3, 4]],
                "one class": lambda: [[0, 3], [1, 2]],
                "other folds": lambda: [[3, 2], [1, 0]],
                "floats": lambda: [[0, 1], [2, 3.0]],
                "texts": lambda: ["01", "23"],
            },
        },
    ),
    Entry(
        "ngrams.ngram_batches",
        lambda: (
            lambda **given: list(ngram_batches(**given)),
            {"rows": rows(), "weights": weights(), "labels": LABELS, "batch_size": 3}
            | {"word_dropout": 0.0, "generator": torch.Generator().manual_seed(0)},
        ),
        {
            "rows": IDS,
            "weights": arrays("f"),
            "labels": CLASSES,
            "batch_size": integer(1, 2**63 - 1),
            "word_dropout": number(0, 1),
            "generator": optional(instance(torch.Generator)),
        },
        check_batches,
        extra={"rows": BAD_ROWS, "weights": BAD_WEIGHTS, "labels": BAD_LABELS},
    ),
]


class TestLaw(Law):
    entries = ENTRIES
    modules = MODULES
    examples = 30
