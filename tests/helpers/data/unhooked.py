"""Lists that hold what they should not, and what an import brings along.

Run by `test_unhooked` in a process without the hook that types the helpers in tests: beartype
looks at the entries of a list, too, and would answer in the place of the helpers.
"""

import re
import subprocess
import sys

import numpy as np
import pytest

from helpers.data import (
    Ngrams,
    Vocabulary,
    bucket_batches,
    build_vocabulary,
    contiguous_folds,
    decode,
    encode,
    held_out_ratios,
    log_count_ratios,
    ngram_batches,
    pad,
    stratified_split,
    text_batches,
)

vocab = build_vocabulary([["fig"]])
rows = [np.array([[1, 2], [3, 4]]), np.array([[5, 6]])]
weights = [row / 2 for row in rows]

WRONG = {
    "tokens must be a list of tokens, got ['fig', 5]": [
        lambda: encode(["fig", 5], vocab),
        lambda: Vocabulary(["fig", 5]),
        lambda: Ngrams([["fig"]]).encode(["fig", 5]),
    ],
    "token_lists[1] must be a list of tokens, got ['fig', 5]": [
        lambda: build_vocabulary([["fig"], ["fig", 5]]),
        lambda: Ngrams([["fig"], ["fig", 5]]),
    ],
    "token_lists[0] must be a list of tokens, got {'fig'}": [lambda: build_vocabulary([{"fig"}])],
    "token must be a text (for an id use .token(id)), got 2": [lambda: vocab[2]],
    "labels must be a list of integers, got ['bad', 'good']": [
        lambda: text_batches([[2], [3]], ["bad", "good"], 1, pad_id=1),
        lambda: contiguous_folds(["bad", "good"]),
        lambda: stratified_split(["bad", "good"], 1),
        lambda: log_count_ratios(rows, ["bad", "good"], 7),
        lambda: ngram_batches(rows, weights, ["bad", "good"], 1),
    ],
    "labels must be a list of integers, got [0.0, 0.5]": [lambda: contiguous_folds([0.0, 0.5])],
    "labels must be a list of integers, got [True, False]": [
        lambda: stratified_split([True, False], 1),
    ],
    "labels must be a list of integers, got [[7, 7]]": [lambda: stratified_split([[7, 7]], 1)],
    "labels must be a list of integers, got 'good'": [lambda: contiguous_folds("good")],
    "ids must be a list of integers, got ['fig']": [lambda: decode(["fig"], vocab)],
    "ids must be a list of integers, got 'fig'": [lambda: decode("fig", vocab)],
    "sequences[0] must be a list of integers, got 2": [
        lambda: pad([2, 3], 1),
        lambda: text_batches([2, 3], [0, 1], 1, pad_id=1),
    ],
    "sequences[1] must be a list of integers, got [2.5]": [
        lambda: pad([[2], [2.5]], 1),
        lambda: text_batches([[2], [2.5]], [0, 1], 1, pad_id=1),
    ],
    "lengths must be a list of integers, got ['a']": [lambda: bucket_batches(["a"], 1)],
    "lengths must be a list of integers, got [[1]]": [lambda: bucket_batches([[1]], 1)],
    "folds[1] must be a list of integers, got [1.0]": [
        lambda: held_out_ratios(rows, [0, 1], 7, [[0], [1.0]]),
    ],
    "rows[1] must be an array (T, K) of integers, got [[2.5 3. ]]": [
        lambda: log_count_ratios([rows[0], weights[1]], [0, 1], 7),
        lambda: ngram_batches([rows[0], weights[1]], weights, [0, 1], 1),
    ],
    "rows[0] must be an array (T, K) of integers, got [5 6]": [
        lambda: log_count_ratios([rows[1][0], rows[0]], [0, 1], 7),
    ],
    "rows[0] must be an array (T, K) of integers, got [[1, 2]]": [
        lambda: log_count_ratios([[[1, 2]], rows[1]], [0, 1], 7),
    ],
}


@pytest.mark.parametrize(
    ("sentence", "call"),
    [pytest.param(text, call, id=text) for text, calls in WRONG.items() for call in calls],
)
def test_a_wrong_call_is_answered_in_one_sentence(sentence, call):
    with pytest.raises(TypeError, match=f"^{re.escape(sentence)}$"):
        call()


def test_the_data_are_imported_at_once_and_without_torchtext():
    code = (
        "import sys, time, torch; start = time.perf_counter(); import helpers.data;"
        "print(time.perf_counter() - start, 'torchtext' in sys.modules)"
    )
    command = [sys.executable, "-c", code]
    said = [subprocess.check_output(command, text=True).split() for _ in range(3)]
    assert {torchtext for _, torchtext in said} == {"False"}
    assert min(float(seconds) for seconds, _ in said) < 0.1
