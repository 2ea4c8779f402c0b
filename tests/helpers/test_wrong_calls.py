"""What a reader gets wrong, and the sentence that answers: written by hand for each topic.

A row of the tables ``wrong_calls_...`` names functions, what they are given in the place of what
their right call has (or a function that makes it), and the answer. What a body refuses stands there
in full; what a signature refuses by example only, for `test_held` makes wrong values of every kind
from it. ``UNHOOKED`` is tested by ``unhooked.py``: in the tests, beartype would answer first.
"""

import inspect
import re
from importlib import import_module
from typing import Any

import pytest

from tests.helpers.right_calls import right_call

TOPICS = [
    import_module(f"tests.helpers.wrong_calls_{topic}")
    for topic in ("data", "figures", "loan", "training", "transformer", "vision")
]


def rows(table: str, error: type[Exception]) -> list[Any]:
    return [
        pytest.param(name, change, error, sentence, id=f"{name}: {sentence}")
        for topic in TOPICS
        for names, change, sentence in getattr(topic, table, ())
        for name in names.split()
    ]


def is_answered(name, change, error, sentence):
    function, given = right_call(name)
    taken = inspect.signature(function).parameters
    changed = change() if callable(change) else change
    given |= {argument: value for argument, value in changed.items() if argument in taken}
    with pytest.raises(error, match=f"^{re.escape(sentence)}$"):
        function(**given)


@pytest.mark.parametrize(
    ("name", "change", "error", "sentence"),
    rows("VALUES", ValueError) + rows("KINDS", TypeError),
)
def test_a_wrong_call_is_answered_in_one_sentence(name, change, error, sentence):
    is_answered(name, change, error, sentence)
