"""What a reader gets wrong with data, and the sentence that answers: written by hand.

What a list holds is in ``unhooked.py``: in the tests, beartype would answer first.
"""

import math
import re
from pathlib import Path

import numpy as np
import pytest
import torch

from helpers.data import (
    PAD,
    UNK,
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
    load_imdb,
    log_count_ratios,
    ngram_batches,
    pad,
    random_shift,
    repeating_batch,
    reversal_batch,
    ring_centres,
    stratified_split,
    text_batches,
    tokenize,
    truncate,
)

vocab = build_vocabulary([["fig"]])
centres, images = torch.zeros(5, 3), torch.zeros(7, 3, 11, 5)
rows = [np.array(row) for row in ([[1, 2], [3, 4]], [[5, 6]], [[7, 8]], [[9, 10]])]
weights = [row / 2 for row in rows]
labels, folds = [0, 1, 0, 1], [[0, 1], [2, 3]]
halves = torch.full((2,), 0.5)

KINDS = {
    "text must be a text, got ['a', 'film']": [lambda: tokenize(["a", "film"])],
    "tokens must be a list of tokens, got 'a film'": [
        lambda: encode("a film", vocab),
        lambda: Vocabulary("a film"),
        lambda: Ngrams([["a"]]).encode("a film"),
    ],
    "token_lists[0] must be a list of tokens, got 'a'": [
        lambda: build_vocabulary("a film"),
        lambda: Ngrams("a film"),
    ],
    "token_lists[1] must be a list of tokens, got 'a film'": [
        lambda: build_vocabulary([["a"], "a film"]),
        lambda: Ngrams([["a"], "a film"]),
    ],
    "tokens must be of type Sequence, got 7": [lambda: encode(7, vocab)],
    "token_lists must be of type Iterable, got None": [lambda: build_vocabulary(None)],
    "token_id must be an integer, got 'fig'": [lambda: vocab.token("fig")],
    "vocab must be of type Vocabulary, got {'fig': 2}": [
        lambda: encode(["fig"], {"fig": 2}),
        lambda: decode([2], {"fig": 2}),
    ],
    "ids must be of type Sequence, got 5": [lambda: truncate(5, 3)],
    "pad_id must be an integer, got '<pad>'": [
        lambda: pad([[2]], PAD),
        lambda: text_batches([[2]], [1], 1, pad_id=PAD),
    ],
    "generator must be a torch.Generator, such as torch.Generator().manual_seed(0), got 3": [
        lambda: generate_batch(2, 3, 5, generator=3),
        lambda: cluster_batch(2, centres, spread=1, generator=3),
        lambda: bucket_batches([1], 1, generator=3),
        lambda: random_shift(images, generator=3),
        lambda: ngram_batches(rows, weights, labels, 2, generator=3),
    ],
    "labels must be of type Sequence or of type ndarray or an int64 or int32 tensor, "
    "got tensor([0.5000, 0.5000])": [
        lambda: text_batches([[2]], halves, 1, pad_id=1),
        lambda: contiguous_folds(halves),
        lambda: stratified_split(halves, 1),
        lambda: log_count_ratios(rows, halves, 17),
    ],
    "labels must be a list of integers, got [0. 0.]": [lambda: stratified_split(np.zeros(2), 1)],
    "labels must be a list of integers, got [[7 7]]": [
        lambda: stratified_split(np.array([[7, 7]]), 1),
    ],
    "length must be an integer, got 2.5": [lambda: generate_batch(2, 2.5, 5)],
    "modes must be an integer, got 2.5": [lambda: ring_centres(2.5)],
    "centres must be a tensor, got [[0.0]]": [lambda: cluster_batch(2, [[0.0]], spread=1)],
    "centres must be a float tensor, got torch.int64": [
        lambda: cluster_batch(2, centres.long(), spread=1),
    ],
    "images must be a tensor, got [[1.0]]": [lambda: random_shift([[1.0]])],
    "images must be a float tensor, got torch.uint8": [lambda: random_shift(images.byte())],
    "reach must be an integer, got 1.5": [lambda: random_shift(images, reach=1.5)],
    "data_dir must be a text or of type Path, got 3": [
        lambda: load_imdb(source="official", data_dir=3),
    ],
    "data_dir must be of type Path, got 'data'": [
        lambda: fetch(Archive("http://127.0.0.1:9/a.tar.gz", 7, "c0ffee", "a"), "data"),
    ],
    "archive must be of type Archive, got 'aclImdb'": [lambda: fetch("aclImdb", Path())],
    "url must be a text, got None": [lambda: Archive(None, 7, "c0ffee", "a")],
    "train_texts must be of type list, got 'fine'": [lambda: ReviewSplit("fine", [1], [], [])],
}
RANGES = {
    f"tokens must begin with {UNK, PAD}, got ('a', 'b')": [lambda: Vocabulary(["a", "b", "c"])],
    "tokens must differ from one another, got [('a', 2)]": [
        lambda: Vocabulary([UNK, PAD, "b", "a", "a"]),
    ],
    "token_id must lie in 0..2, got 3": [lambda: vocab.token(3)],
    "token_id must be at least 0, got -1": [lambda: vocab.token(-1)],
    "max_size must be above 2, the specials, got 2": [lambda: build_vocabulary([], max_size=2)],
    "max_size must be above 2, the specials, got 1": [lambda: build_vocabulary([], max_size=1)],
    "min_freq must be at least 1, got 0": [lambda: build_vocabulary([], min_freq=0)],
    "ids must lie in 0..2, got 3": [
        lambda: decode([2, 3], vocab),
        lambda: decode(torch.tensor([3]), vocab),
    ],
    "ids must lie in 0..2, got -1": [lambda: decode([-1], vocab)],
    "ids must have shape (N,), got (1, 2)": [lambda: decode(torch.tensor([[2, 2]]), vocab)],
    "max_len must be at least 1, got 0": [lambda: truncate([2], 0)],
    "pad_id must be at least 0, got -1": [lambda: pad([[2]], -1)],
    "batch_size must be at least 1, got 0": [
        lambda: bucket_batches([1], 0),
        lambda: text_batches([[2]], [1], 0, pad_id=1),
        lambda: ngram_batches(rows, weights, labels, 0),
        lambda: generate_batch(0, 3, 5),
        lambda: cluster_batch(0, centres, spread=1),
    ],
    "labels must have 1 entries, one for each text, got 0": [
        lambda: text_batches([[2]], [], 1, pad_id=1),
    ],
    "labels must have 4 entries, one for each text, got 3": [
        lambda: log_count_ratios(rows, labels[:3], 17),
        lambda: ngram_batches(rows, weights, labels[:3], 2),
    ],
    "labels must lie in 0..1, got 2": [
        lambda: log_count_ratios(rows, [0, 1, 2, 1], 17),
        lambda: ngram_batches(rows, weights, [0, 1, 2, 1], 2),
    ],
    "labels must hold both classes, got [1]": [lambda: log_count_ratios(rows, [1] * 4, 17)],
    "labels must have shape (N,), got (1, 4)": [
        lambda: log_count_ratios(rows, torch.tensor([labels]), 17),
        lambda: contiguous_folds(torch.tensor([labels])),
    ],
    "rows[3] must hold ids in 0..9, got 10": [lambda: log_count_ratios(rows, labels, 10)],
    "rows[0] must hold ids in 0..16, got -1": [
        lambda: held_out_ratios([-row for row in rows], labels, 17, folds),
    ],
    "rows[0] must hold ids in 0..2147483647, got -1": [
        lambda: ngram_batches([-row for row in rows], weights, labels, 2),
    ],
    "size must be at least 1, got 0": [lambda: log_count_ratios(rows, labels, 0)],
    "smoothing must be above 0 and finite, got 0": [
        lambda: log_count_ratios(rows, labels, 17, smoothing=0),
    ],
    "folds must hold every position in 0..3 once, got [[0, 1], [1, 2, 3]]": [
        lambda: held_out_ratios(rows, labels, 17, [[0, 1], [1, 2, 3]]),
    ],
    "folds must hold every position in 0..3 once, got [[0, 1], [2]]": [
        lambda: held_out_ratios(rows, labels, 17, [[0, 1], [2]]),
    ],
    "folds[0] must leave texts of both classes to the others, got [0]": [
        lambda: held_out_ratios(rows, labels, 17, [[1, 3], [0, 2]]),
    ],
    "folds[0] must leave texts of both classes to the others, got []": [
        lambda: held_out_ratios(rows, labels, 17, [[0, 1, 2, 3]]),
    ],
    # Batches are refused at the call, not at the first of them.
    "weights[3] must have shape (1, 2) like its row, got ()": [
        lambda: ngram_batches(rows, weights[:3], labels, 2),
    ],
    "weights[0] must have shape (2, 2) like its row, got (1, 2)": [
        lambda: ngram_batches(rows, weights[::-1], labels, 2),
    ],
    "word_dropout must be at least 0 and below 1, got 1.0": [
        lambda: ngram_batches(rows, weights, labels, 2, word_dropout=1.0),
    ],
    "longest must be at least 1, got 0": [lambda: Ngrams([["a"]], longest=0)],
    "min_texts must be at least 1, got 0": [lambda: Ngrams([["a"]], min_texts=0)],
    "vocab_size must be at least 1, got 0": [lambda: generate_batch(2, 3, 0)],
    "vocab_size must be at least 2 (0 is the start token), got 1": [
        lambda: reversal_batch(2, 3, 1),
    ],
    "period must be below length=5, got 5": [lambda: repeating_batch(2, 5, 7, period=5)],
    "period must be at least 1, got 0": [lambda: repeating_batch(2, 5, 7, period=0)],
    "modes must be at least 1, got 0": [lambda: ring_centres(0)],
    "radius must be above 0 and finite, got -1": [lambda: ring_centres(radius=-1)],
    "radius must be above 0 and finite, got inf": [lambda: ring_centres(radius=math.inf)],
    "spread must be above 0 and finite, got -0.5": [
        lambda: cluster_batch(2, centres, spread=-0.5),
    ],
    "spread must be above 0 and finite, got nan": [
        lambda: cluster_batch(2, centres, spread=math.nan),
    ],
    "centres must have shape (K, D), got (3,)": [lambda: cluster_batch(2, centres[0], spread=1)],
    "images must have shape (N, C, Y, X), got (3, 11, 5)": [lambda: random_shift(images[0])],
    "reach must be at least 0, got -1": [lambda: random_shift(images, reach=-1)],
    "per_class must be below 2, the size of class 4, got 2": [
        lambda: stratified_split([7, 7, 7, 4, 4], 2),
    ],
    "per_class must be at least 1, got 0": [lambda: stratified_split([7, 7], 0)],
    "seed must be at least 0, got -1": [
        lambda: stratified_split([7, 7], 1, seed=-1),
        lambda: load_imdb(seed=-1),
    ],
    "folds must be at most 1, the size of class 1, got 2": [lambda: contiguous_folds([0, 0, 1], 2)],
    "folds must be at least 1, got 0": [lambda: contiguous_folds([0, 0, 1], 0)],
    "split must be 'position' or 'shuffled', got 'random'": [lambda: load_imdb(split="random")],
    "source must be 'packaged' or 'official', got 'web'": [lambda: load_imdb(source="web")],
    "split must be 'position' for source='official', got 'shuffled'": [
        lambda: load_imdb(source="official", split="shuffled"),
    ],
    "data_dir must be None for source='packaged', got 'data'": [lambda: load_imdb(data_dir="data")],
    "size must be at least 1, got -1": [lambda: Archive("http://a/b", -1, "c0ffee", "a")],
}


@pytest.mark.parametrize(
    ("error", "sentence", "call"),
    [
        pytest.param(error, sentence, call, id=sentence)
        for error, table in ((TypeError, KINDS), (ValueError, RANGES))
        for sentence, calls in table.items()
        for call in calls
    ],
)
def test_a_wrong_call_is_answered_in_one_sentence(error, sentence, call):
    with pytest.raises(error, match=f"^{re.escape(sentence)}$"):
        call()


def test_a_vocabulary_is_no_list():
    with pytest.raises(TypeError, match="not iterable"):
        list(vocab)
    assert 2 not in vocab
