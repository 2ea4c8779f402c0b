"""What lists, generators and dictionaries hold, and what an import brings along.

Run by `test_unhooked` in a process without the hook that types the helpers in tests: beartype looks
at the entries, too, and would answer in the place of the helpers.
"""

import subprocess
import sys

import pytest

from tests.helpers.right_calls_data import VOCABULARY
from tests.helpers.test_wrong_calls import is_answered, rows


@pytest.mark.parametrize(("name", "change", "error", "sentence"), rows("UNHOOKED", TypeError))
def test_a_wrong_call_is_answered_in_one_sentence(name, change, error, sentence):
    is_answered(name, change, error, sentence)


def test_an_id_is_not_looked_up_as_a_token():
    with pytest.raises(TypeError, match=r"^token must be a text \(.* \.token\(id\)\), got 2$"):
        VOCABULARY[2]


def test_the_data_are_imported_at_once_and_without_torchtext():
    code = (
        "import sys, time, torch; start = time.process_time(); import helpers.data;"
        "print(time.process_time() - start, 'torchtext' in sys.modules)"
    )
    command = [sys.executable, "-c", code]
    said = [subprocess.check_output(command, text=True).split() for _ in range(3)]
    assert {torchtext for _, torchtext in said} == {"False"}
    assert min(float(seconds) for seconds, _ in said) < 0.1
