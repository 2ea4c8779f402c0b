"""What a reader gets wrong with data, and the sentence that answers: written by hand.

A row names functions, what they are given in the place of what ``right_calls_data`` has, and the
answer. What a list holds is in ``unhooked.py``: in the tests, beartype would answer first.
"""

import re

import numpy as np
import pytest
import torch

from helpers.data import PAD, UNK
from tests.helpers.right_calls_data import CALLS, ROWS

HALVES = torch.full((2,), 0.5)
MINUS, HALVED = [-row for row in ROWS], [row / 2 for row in ROWS]
ROW = "a list or a NumPy array or an int64 or int32 tensor"
GENERATOR = "a torch.Generator, such as torch.Generator().manual_seed(0)"
PAIR, TWICE = torch.tensor([[2, 2]]), [UNK, PAD, "b", "a", "a"]

# What sentences have in common.
TOKENS, INTEGERS = "must be a list of tokens", "must be a list of integers"
ENTRIES, LIKE = "must have 4 entries, one for each text", "must have shape (2, 2) like its row"
ONCE = "must hold every position in 0..3 once"
BOTH = "must leave texts of both classes to the others"
START, ONLY = "must be at least 2 (0 is the start token)", "must be 'position'"

KINDS = [
    ("tokenize", {"text": ["a", "film"]}, "text must be a text, got ['a', 'film']"),
    ("encode Vocabulary Ngrams.encode", {"tokens": "a film"}, f"tokens {TOKENS}, got 'a film'"),
    ("build_vocabulary Ngrams", {"token_lists": "fig"}, f"token_lists[0] {TOKENS}, got 'f'"),
    ("build_vocabulary Ngrams", {"token_lists": [[], "a"]}, f"token_lists[1] {TOKENS}, got 'a'"),
    ("Vocabulary.token", {"token_id": "fig"}, "token_id must be an integer, got 'fig'"),
    ("pad text_batches", {"pad_id": PAD}, "pad_id must be an integer, got '<pad>'"),
    ("bucket_batches random_shift", {"generator": 3}, f"generator must be {GENERATOR}, got 3"),
    (
        "text_batches contiguous_folds",
        {"labels": HALVES},
        f"labels must be {ROW}, got torch.float32",
    ),
    ("stratified_split", {"labels": np.zeros(2)}, f"labels {INTEGERS}, got array([0., 0.])"),
    ("stratified_split", {"labels": np.array([[7, 7]])}, f"labels {INTEGERS}, got array([[7, 7]])"),
    ("pad", {"sequences": np.eye(1)}, "sequences must be a list, got array([[1.]])"),
    ("encode", {"tokens": 7}, "tokens must be a list, got 7"),
    ("cluster_batch", {"centres": [[0.0]]}, "centres must be a tensor, got [[0.0]]"),
    ("random_shift", {"images": HALVES.byte()}, "images must be a float tensor, got torch.uint8"),
    ("fetch", {"archive": "aclImdb"}, "archive must be of type Archive, got 'aclImdb'"),
]
VALUES = [
    ("Vocabulary", {"tokens": ["a", "b"]}, f"tokens must begin with {UNK, PAD}, got ('a', 'b')"),
    ("Vocabulary", {"tokens": TWICE}, "tokens must differ from one another, got [('a', 2)]"),
    ("Vocabulary.token", {"token_id": 5}, "token_id must lie in 0..4, got 5"),
    ("build_vocabulary", {"max_size": 2}, "max_size must be above 2, the specials, got 2"),
    ("decode", {"ids": [2, 5]}, "ids must lie in 0..4, got 5"),
    ("decode", {"ids": torch.tensor([5])}, "ids must lie in 0..4, got 5"),
    ("decode", {"ids": [-1]}, "ids must lie in 0..4, got -1"),
    ("decode", {"ids": PAIR}, "ids must have shape (N,), got (1, 2)"),
    ("contiguous_folds", {"labels": PAIR}, "labels must have shape (N,), got (1, 2)"),
    ("bucket_batches text_batches", {"batch_size": 0}, "batch_size must be at least 1, got 0"),
    ("text_batches", {"labels": [1]}, "labels must have 2 entries, one for each text, got 1"),
    ("text_batches stratified_split", {"labels": []}, "labels must hold at least one label, got 0"),
    ("pad text_batches", {"sequences": []}, "sequences must hold at least one sequence, got 0"),
    ("log_count_ratios ngram_batches", {"labels": [1, 0, 1]}, f"labels {ENTRIES}, got 3"),
    ("log_count_ratios ngram_batches", {"labels": [1, 0, 2, 0]}, "labels must lie in 0..1, got 2"),
    ("log_count_ratios", {"labels": [1] * 4}, "labels must hold both classes, got [1]"),
    ("log_count_ratios", {"size": 4}, "rows[1] must hold ids in 0..3, got 4"),
    ("held_out_ratios", {"rows": MINUS}, "rows[0] must hold ids in 0..4, got -1"),
    # Batches are refused at the call, not at the first of them.
    ("ngram_batches", {"rows": MINUS}, "rows[0] must hold ids in 0..2147483647, got -1"),
    ("ngram_batches", {"weights": HALVED[:3]}, f"weights[3] {LIKE}, got ()"),
    ("ngram_batches", {"weights": HALVED[1:]}, f"weights[0] {LIKE}, got (1, 2)"),
    ("ngram_batches", {"word_dropout": 1}, "word_dropout must be at least 0 and below 1, got 1"),
    ("held_out_ratios", {"folds": [[0], [0, 2, 3]]}, f"folds {ONCE}, got [[0], [0, 2, 3]]"),
    ("held_out_ratios", {"folds": [[0, 1], [2]]}, f"folds {ONCE}, got [[0, 1], [2]]"),
    ("held_out_ratios", {"folds": [[0, 3], [1, 2]]}, f"folds[0] {BOTH}, got [0]"),
    ("held_out_ratios", {"folds": [[0, 1, 2, 3]]}, f"folds[0] {BOTH}, got []"),
    ("reversal_batch", {"vocab_size": 1}, f"vocab_size {START}, got 1"),
    ("repeating_batch", {"period": 5}, "period must be below length=5, got 5"),
    ("cluster_batch", {"spread": -0.5}, "spread must be above 0 and finite, got -0.5"),
    ("cluster_batch", {"centres": HALVES}, "centres must have shape (K, D), got (2,)"),
    ("random_shift", {"images": HALVES}, "images must have shape (N, C, Y, X), got (2,)"),
    ("stratified_split", {"per_class": 2}, "per_class must be below 2, the size of class 3, got 2"),
    ("contiguous_folds", {"folds": 1}, "folds must be at least 2, got 1"),
    ("contiguous_folds", {"folds": 3}, "folds must be at most 2, the size of class 0, got 3"),
    ("load_imdb", {"split": "random"}, "split must be 'position' or 'shuffled', got 'random'"),
    ("load_imdb", {"source": "web"}, "source must be 'packaged' or 'official', got 'web'"),
    ("load_imdb", {"source": "official"}, f"split {ONLY} for source='official', got 'shuffled'"),
    ("load_imdb", {"data_dir": "a"}, "data_dir must be None for source='packaged', got 'a'"),
]


def cases(error, table):
    return [
        pytest.param(name, change, error, sentence, id=f"{name}: {sentence}")
        for names, change, sentence in table
        for name in names.split()
    ]


def is_answered(name, change, error, sentence):
    function, given = CALLS[name]()
    with pytest.raises(error, match=f"^{re.escape(sentence)}$"):
        function(**given | change)


@pytest.mark.parametrize(
    ("name", "change", "error", "sentence"), cases(TypeError, KINDS) + cases(ValueError, VALUES)
)
def test_a_wrong_call_is_answered_in_one_sentence(name, change, error, sentence):
    is_answered(name, change, error, sentence)
