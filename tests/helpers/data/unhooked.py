"""Lists that hold what they should not, and what an import brings along.

Run by `test_unhooked` in a process without the hook that types the helpers in tests: beartype
looks at the entries of a list, too, and would answer in the place of the helpers.
"""

import subprocess
import sys

import pytest

from tests.helpers.data.test_wrong_calls import HALVED, INTEGERS, TOKENS, cases, is_answered
from tests.helpers.right_calls_data import ROWS, VOCABULARY

ARRAY = "must be an array (T, K) of integers"
MARKS, FLOATS, FLAGS = ["bad", "good"], [0.0, 0.5], [True, False]

WRONG = [
    ("encode Vocabulary", {"tokens": ["fig", 5]}, f"tokens {TOKENS}, got ['fig', 5]"),
    ("Ngrams.encode", {"tokens": ["fig", 5]}, f"tokens {TOKENS}, got ['fig', 5]"),
    ("build_vocabulary Ngrams", {"token_lists": [[], [5]]}, f"token_lists[1] {TOKENS}, got [5]"),
    ("build_vocabulary", {"token_lists": [{"fig"}]}, f"token_lists[0] {TOKENS}, got {{'fig'}}"),
    ("text_batches ngram_batches", {"labels": MARKS}, f"labels {INTEGERS}, got {MARKS}"),
    ("contiguous_folds stratified_split", {"labels": MARKS}, f"labels {INTEGERS}, got {MARKS}"),
    ("log_count_ratios", {"labels": MARKS}, f"labels {INTEGERS}, got {MARKS}"),
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
    (
        "log_count_ratios ngram_batches",
        {"rows": HALVED[2:]},
        f"rows[0] {ARRAY}, got array([[1., 1.]])",
    ),
    ("log_count_ratios", {"rows": [ROWS[1], ROWS[1][0]]}, f"rows[1] {ARRAY}, got array([4, 1])"),
    ("log_count_ratios", {"rows": [[[1, 2]]]}, f"rows[0] {ARRAY}, got [[1, 2]]"),
]


@pytest.mark.parametrize(("name", "change", "error", "sentence"), cases(TypeError, WRONG))
def test_a_wrong_call_is_answered_in_one_sentence(name, change, error, sentence):
    is_answered(name, change, error, sentence)


def test_an_id_is_not_looked_up_as_a_token():
    with pytest.raises(TypeError, match=r"^token must be a text \(.* \.token\(id\)\), got 2$"):
        VOCABULARY[2]


def test_the_data_are_imported_at_once_and_without_torchtext():
    code = (
        "import sys, time, torch; start = time.perf_counter(); import helpers.data;"
        "print(time.perf_counter() - start, 'torchtext' in sys.modules)"
    )
    command = [sys.executable, "-c", code]
    said = [subprocess.check_output(command, text=True).split() for _ in range(3)]
    assert {torchtext for _, torchtext in said} == {"False"}
    assert min(float(seconds) for seconds, _ in said) < 0.1
