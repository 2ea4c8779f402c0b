"""What everything public in ``helpers.data`` may be given; all sizes are distinct primes."""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import torch

from helpers import data

TEXTS = [["fig", "plum"], ["pear", "fig", "plum"], ["fig"]]
VOCABULARY = data.Vocabulary(["<unk>", "<pad>", "fig", "pear", "plum"])
ROWS = [np.array(row) for row in ([[1, 2], [3, 0]], [[4, 1]], [[2, 2]], [[0, 3], [1, 1]])]
HALVED = [row / 2 for row in ROWS]
LABELLED = {"rows": ROWS, "labels": [1, 0, 0, 1]}
COUNTED = {**LABELLED, "size": 5, "smoothing": 0.5}
TOKENS = {"batch_size": 2, "length": 5, "vocab_size": 11}
SOURCES = Path(data.sources.__file__)
ARCHIVE = {  # it is unpacked already, next to the folder of this package
    "url": "http://127.0.0.1:9/data.tar.gz",
    "size": 7,
    "sha256": "c0ffee",
    "folder": SOURCES.parent.name,
    "skip": "dust/",
    "instead": "do without",
}
PACKAGED = {
    "distribution": "course==1",
    "path": "helpers/data/sources.py",
    "sha256": hashlib.sha256(SOURCES.read_bytes()).hexdigest(),
}
SPLIT = {"train_texts": ["a"], "train_labels": [1], "test_texts": ["b"], "test_labels": [0]}

# What each is given, but for the generator.
GIVEN: dict[str, dict[str, Any]] = {
    "load_digits": {},
    "stratified_split": {"labels": torch.tensor([3, 3, 7, 7]), "per_class": 1, "seed": 0},
    "random_shift": {"images": torch.rand(2, 3, 7, 5), "reach": 2},
    "Ngrams": {"token_lists": TEXTS, "longest": 2, "min_texts": 2},
    "Ngrams.encode": {"tokens": ["fig", "kiwi"]},
    "log_count_ratios": COUNTED,
    "held_out_ratios": {**COUNTED, "folds": [[0, 1], [2, 3]]},
    "ngram_batches": {**LABELLED, "weights": HALVED, "batch_size": 3, "word_dropout": 0.5},
    "ReviewSplit": SPLIT,
    "english_numeral": {"number": 1_234_567},
    "chinese_numeral": {"number": 1_234_567},
    "held_out_numbers": {"per_length": 7},
    "draw_numbers": {"count": 7, "held_out": torch.tensor([11, 13, 10_007])},
    "contiguous_folds": {"labels": [0, 0, 1, 1, 1], "folds": 2},
    "load_imdb": {"split": "shuffled", "source": "packaged", "seed": 3},
    "Archive": ARCHIVE,
    "fetch": {"archive": data.Archive(**ARCHIVE), "data_dir": SOURCES.parents[1]},
    "read_packaged": PACKAGED,
    "generate_batch": TOKENS,
    "repeating_batch": {**TOKENS, "period": 3},
    "reversal_batch": TOKENS,
    "ring_centres": {"modes": 7, "radius": 0.5},
    "cluster_batch": {"batch_size": 5, "centres": torch.rand(3, 2), "spread": 0.5},
    "tokenize": {"text": "A fig."},
    "Vocabulary": {"tokens": VOCABULARY.tokens},
    "Vocabulary.token": {"token_id": 3},
    "build_vocabulary": {"token_lists": TEXTS, "max_size": 4, "min_freq": 2},
    "encode": {"tokens": ["fig", "kiwi"], "vocab": VOCABULARY},
    "decode": {"ids": torch.tensor([2, 0, 4]), "vocab": VOCABULARY},
    "truncate": {"ids": [2, 3, 5], "max_len": 2},
    "pad": {"sequences": [[2, 3], np.array([4])], "pad_id": 1},
    "bucket_batches": {"lengths": [5, 2, 7], "batch_size": 2},
    "text_batches": {"sequences": [[2, 3], [4]], "labels": [1, 0], "batch_size": 2, "pad_id": 1},
}
