"""What generators and dictionaries hold, refused by training and loans.

Run by `test_unhooked` in a process without the hook that types the helpers in tests: beartype
would answer in the place of the helpers.
"""

import re

import pytest
import torch

from helpers.loan import schedule
from helpers.training import fit

MODEL = torch.nn.Linear(2, 3)
OPTIMIZER = torch.optim.SGD(MODEL.parameters(), lr=0.1)
LISTED = "batches must be a list or a generator of batches"


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: fit(MODEL, lambda epoch: None, OPTIMIZER, epochs=1), f"{LISTED}, got None"),
        (lambda: schedule(1, 0, 1, lump_sums={3: "5"}), "lump_sums[3] must be a number, got '5'"),
        (lambda: schedule(1, 0, 1, lump_sums={3: True}), "lump_sums[3] must be a number, got True"),
    ],
)
def test_a_wrong_call_is_answered_in_one_sentence(call, sentence):
    with pytest.raises(TypeError, match=f"^{re.escape(sentence)}$"):
        call()
