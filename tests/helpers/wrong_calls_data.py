"""What a reader gets wrong with data: rows of ``test_wrong_calls``, written by hand."""

import numpy as np
import torch

from helpers.data import PAD, UNK
from tests.helpers.right_calls_data import HALVED, ROWS

HALVES, PAIR, MINUS = torch.full((2,), 0.5), torch.tensor([[2, 2]]), [-row for row in ROWS]
MARKS, FLOATS, FLAGS = ["bad", "good"], [0.0, 0.5], [True, False]
TWICE = [UNK, PAD, "b", "a", "a"]

# What sentences have in common.
TOKENS, INTEGERS = "must be a list of tokens", "must be a list of integers"
ARRAY = "must be an array (T, K) of integers"
ENTRIES, LIKE = "must have 4 entries, one for each text", "must have shape (2, 2) like its row"
ONCE, LEAVE = (
    "must hold every position in 0..3 once",
    "must leave texts of both classes to the others",
)
NUMBER, RANGE = "number must be below 100,000,000", "held_out must lie in 0..99999999"
LEFT = "held_out must leave one of the"
START, ONLY = "must be at least 2 (0 is the start token)", "must be 'position'"
LABELLED = "log_count_ratios ngram_batches"

KINDS = [
    ("tokenize", {"text": ["a", "film"]}, "text must be a text, got ['a', 'film']"),
    ("encode Vocabulary Ngrams.encode", {"tokens": "a film"}, f"tokens {TOKENS}, got 'a film'"),
    ("build_vocabulary Ngrams", {"token_lists": "fig"}, f"token_lists[0] {TOKENS}, got 'f'"),
    ("build_vocabulary Ngrams", {"token_lists": [[], "a"]}, f"token_lists[1] {TOKENS}, got 'a'"),
    ("pad text_batches", {"pad_id": PAD}, "pad_id must be an integer, got '<pad>'"),
    ("stratified_split", {"labels": np.zeros(2)}, f"labels {INTEGERS}, got array([0., 0.])"),
    ("stratified_split", {"labels": np.array([[7, 7]])}, f"labels {INTEGERS}, got array([[7, 7]])"),
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
    ("english_numeral chinese_numeral", {"number": 10**8}, f"{NUMBER}, got 100000000"),
    ("draw_numbers", {"held_out": [10**8]}, f"{RANGE}, got 100000000"),
    ("draw_numbers", {"held_out": range(1000)}, f"{LEFT} 10 numbers of length 1, got 10"),
    ("draw_numbers", {"held_out": range(10, 100)}, f"{LEFT} 90 numbers of length 2, got 90"),
    ("text_batches", {"labels": [1]}, "labels must have 2 entries, one for each text, got 1"),
    ("text_batches stratified_split", {"labels": []}, "labels must hold at least one label, got 0"),
    ("pad text_batches", {"sequences": []}, "sequences must hold at least one sequence, got 0"),
    (LABELLED, {"labels": [1, 0, 1]}, f"labels {ENTRIES}, got 3"),
    (LABELLED, {"labels": [1, 0, 2, 0]}, "labels must lie in 0..1, got 2"),
    ("log_count_ratios", {"labels": [1] * 4}, "labels must hold both classes, got [1]"),
    ("log_count_ratios", {"size": 4}, "rows[1] must hold ids in 0..3, got 4"),
    ("held_out_ratios", {"rows": MINUS}, "rows[0] must hold ids in 0..4, got -1"),
    # Batches are refused at the call, not at the first of them.
    ("ngram_batches", {"rows": MINUS}, "rows[0] must hold ids in 0..2147483647, got -1"),
    ("ngram_batches", {"weights": HALVED[:3]}, f"weights[3] {LIKE}, got ()"),
    ("ngram_batches", {"weights": HALVED[1:]}, f"weights[0] {LIKE}, got (1, 2)"),
    ("held_out_ratios", {"folds": [[0], [0, 2, 3]]}, f"folds {ONCE}, got [[0], [0, 2, 3]]"),
    ("held_out_ratios", {"folds": [[0, 1], [2]]}, f"folds {ONCE}, got [[0, 1], [2]]"),
    ("held_out_ratios", {"folds": [[0, 3], [1, 2]]}, f"folds[0] {LEAVE}, got [0]"),
    ("held_out_ratios", {"folds": [[0, 1, 2, 3]]}, f"folds[0] {LEAVE}, got []"),
    ("reversal_batch", {"vocab_size": 1}, f"vocab_size {START}, got 1"),
    ("repeating_batch", {"period": 5}, "period must be below length=5, got 5"),
    ("cluster_batch", {"centres": HALVES}, "centres must have shape (K, D), got (2,)"),
    ("stratified_split", {"per_class": 2}, "per_class must be below 2, the size of class 3, got 2"),
    ("contiguous_folds", {"folds": 1}, "folds must be at least 2, got 1"),
    ("contiguous_folds", {"folds": 3}, "folds must be at most 2, the size of class 0, got 3"),
    ("load_imdb", {"split": "random"}, "split must be 'position' or 'shuffled', got 'random'"),
    ("load_imdb", {"source": "web"}, "source must be 'packaged' or 'official', got 'web'"),
    ("load_imdb", {"source": "official"}, f"split {ONLY} for source='official', got 'shuffled'"),
    ("load_imdb", {"data_dir": "a"}, "data_dir must be None for source='packaged', got 'a'"),
]
UNHOOKED = [
    ("encode Vocabulary Ngrams.encode", {"tokens": ["a", 5]}, f"tokens {TOKENS}, got ['a', 5]"),
    ("build_vocabulary Ngrams", {"token_lists": [[], [5]]}, f"token_lists[1] {TOKENS}, got [5]"),
    ("build_vocabulary", {"token_lists": [{"fig"}]}, f"token_lists[0] {TOKENS}, got {{'fig'}}"),
    (f"{LABELLED} text_batches", {"labels": MARKS}, f"labels {INTEGERS}, got {MARKS}"),
    ("contiguous_folds stratified_split", {"labels": MARKS}, f"labels {INTEGERS}, got {MARKS}"),
    ("contiguous_folds", {"labels": FLOATS}, f"labels {INTEGERS}, got {FLOATS}"),
    ("contiguous_folds", {"labels": "good"}, f"labels {INTEGERS}, got 'good'"),
    ("stratified_split", {"labels": FLAGS}, f"labels {INTEGERS}, got {FLAGS}"),
    ("stratified_split", {"labels": [[7, 7]]}, f"labels {INTEGERS}, got [[7, 7]]"),
    ("stratified_split", {"labels": [[0], [0, 1]]}, f"labels {INTEGERS}, got [[0], [0, 1]]"),
    ("decode", {"ids": ["fig"]}, f"ids {INTEGERS}, got ['fig']"),
    ("pad text_batches", {"sequences": [2, 3]}, f"sequences[0] {INTEGERS}, got 2"),
    ("pad text_batches", {"sequences": [[2], [2.5]]}, f"sequences[1] {INTEGERS}, got [2.5]"),
    ("bucket_batches", {"lengths": [[1]]}, f"lengths {INTEGERS}, got [[1]]"),
    ("held_out_ratios", {"folds": [[0], [1.0]]}, f"folds[1] {INTEGERS}, got [1.0]"),
    (LABELLED, {"rows": HALVED[2:]}, f"rows[0] {ARRAY}, got array([[1., 1.]])"),
    ("log_count_ratios", {"rows": [ROWS[1], ROWS[1][0]]}, f"rows[1] {ARRAY}, got array([4, 1])"),
    ("log_count_ratios", {"rows": [[[1, 2]]]}, f"rows[0] {ARRAY}, got [[1, 2]]"),
]
