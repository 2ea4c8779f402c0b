"""A right call of everything public in ``helpers.data``; all sizes are distinct primes."""

import hashlib
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from helpers.data import (
    Archive,
    Ngrams,
    ReviewSplit,
    Vocabulary,
    bucket_batches,
    build_vocabulary,
    cluster_batch,
    contiguous_folds,
    decode,
    encode,
    fetch,
    generate_batch,
    held_out_ratios,
    load_digits,
    load_imdb,
    log_count_ratios,
    ngram_batches,
    pad,
    random_shift,
    read_packaged,
    repeating_batch,
    reversal_batch,
    ring_centres,
    sources,
    stratified_split,
    text_batches,
    tokenize,
    truncate,
)

B, T, V = 2, 5, 11

TEXTS = [["fig", "plum"], ["pear", "fig", "plum"], ["fig"]]
VOCABULARY = Vocabulary(["<unk>", "<pad>", "fig", "pear", "plum"])
ROWS = [np.array(row) for row in ([[1, 2], [3, 0]], [[4, 1]], [[2, 2]], [[0, 3], [1, 1]])]
WEIGHTS = [row / 2 for row in ROWS]
LABELS = [1, 0, 0, 1]
ARCHIVE = {
    "url": "http://127.0.0.1:9/shelf.tar.gz",
    "size": 7,
    "sha256": "c0ffee",
    "folder": "shelf",
    "skip": "dust/",
    "instead": "do without",
}


def drawn(**given: Any) -> dict[str, Any]:
    return given | {"generator": torch.Generator().manual_seed(0)}


def tokens(**given: Any) -> dict[str, Any]:
    return drawn(batch_size=B, length=T, vocab_size=V, **given)


def fetched() -> tuple[Callable, dict[str, Any]]:
    """A folder that is there already."""
    place = Path(tempfile.gettempdir()) / "shelf_of_the_right_calls"
    (place / "shelf").mkdir(parents=True, exist_ok=True)
    return fetch, {"archive": Archive(**ARCHIVE), "data_dir": place}


def packaged() -> dict[str, str]:
    digest = hashlib.sha256(Path(sources.__file__).read_bytes()).hexdigest()
    return {"distribution": "course==1", "path": "helpers/data/sources.py", "sha256": digest}


CALLS = {
    "load_digits": lambda: (load_digits, {}),
    "stratified_split": lambda: (
        stratified_split,
        {"labels": torch.tensor([3, 3, 7, 7]), "per_class": 1, "seed": 0},
    ),
    "random_shift": lambda: (random_shift, drawn(images=torch.rand(B, 3, 7, T), reach=2)),
    "Ngrams": lambda: (Ngrams, {"token_lists": TEXTS, "longest": 2, "min_texts": 2}),
    "Ngrams.encode": lambda: (Ngrams(TEXTS).encode, {"tokens": ["fig", "kiwi"]}),
    "log_count_ratios": lambda: (
        log_count_ratios,
        {"rows": ROWS, "labels": LABELS, "size": 5, "smoothing": 0.5},
    ),
    "held_out_ratios": lambda: (
        held_out_ratios,
        {"rows": ROWS, "labels": LABELS, "size": 5, "folds": [[0, 1], [2, 3]], "smoothing": 1},
    ),
    "ngram_batches": lambda: (
        ngram_batches,
        drawn(rows=ROWS, weights=WEIGHTS, labels=LABELS, batch_size=3, word_dropout=0.5),
    ),
    "ReviewSplit": lambda: (
        ReviewSplit,
        {"train_texts": ["a"], "train_labels": [1], "test_texts": ["b"], "test_labels": [0]},
    ),
    "contiguous_folds": lambda: (contiguous_folds, {"labels": [0, 0, 1, 1, 1], "folds": 2}),
    "load_imdb": lambda: (load_imdb, {"split": "shuffled", "source": "packaged", "seed": 3}),
    "Archive": lambda: (Archive, dict(ARCHIVE)),
    "fetch": fetched,
    "read_packaged": lambda: (read_packaged, packaged()),
    "generate_batch": lambda: (generate_batch, tokens()),
    "repeating_batch": lambda: (repeating_batch, tokens(period=3)),
    "reversal_batch": lambda: (reversal_batch, tokens()),
    "ring_centres": lambda: (ring_centres, {"modes": 7, "radius": 0.5}),
    "cluster_batch": lambda: (
        cluster_batch,
        drawn(batch_size=T, centres=torch.rand(3, B), spread=0.5),
    ),
    "tokenize": lambda: (tokenize, {"text": "A fig."}),
    "Vocabulary": lambda: (Vocabulary, {"tokens": VOCABULARY.tokens}),
    "Vocabulary.token": lambda: (VOCABULARY.token, {"token_id": 3}),
    "build_vocabulary": lambda: (
        build_vocabulary,
        {"token_lists": TEXTS, "max_size": 4, "min_freq": 2},
    ),
    "encode": lambda: (encode, {"tokens": ["fig", "kiwi"], "vocab": VOCABULARY}),
    "decode": lambda: (decode, {"ids": torch.tensor([2, 0, 4]), "vocab": VOCABULARY}),
    "truncate": lambda: (truncate, {"ids": [2, 3, 5], "max_len": 2}),
    "pad": lambda: (pad, {"sequences": [[2, 3], np.array([4])], "pad_id": 1}),
    "bucket_batches": lambda: (bucket_batches, drawn(lengths=[5, 2, 7], batch_size=2)),
    "text_batches": lambda: (
        text_batches,
        drawn(sequences=[[2, 3], [4]], labels=[1, 0], batch_size=2, pad_id=1),
    ),
}
