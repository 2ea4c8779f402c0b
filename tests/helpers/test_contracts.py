"""helpers.contracts: what a signature says holds for every call, on functions made up for it."""

import copy
import io
import math
import pickle
import pydoc
import re
import sys
import types
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np
import pytest
import torch
from IPython.core.interactiveshell import InteractiveShell

import helpers
from helpers.contracts import guard
from helpers.refusals import refusal

made_up = types.ModuleType("helpers.made_up")
PLACE = Path(helpers.__file__).with_name("made_up.py")  # so that its frames are not the reader's


@pytest.fixture(autouse=True)
def _made_up_anew() -> None:
    """Before each test, so that `make mutants` finds each to run the guard that it has broken."""
    source = Path(__file__).with_name("made_up.py").read_text("utf-8")
    sys.modules[made_up.__name__] = made_up
    exec(compile(source, PLACE, "exec"), vars(made_up))
    made_up.wide = made_up.Narrow(4)


ab = torch.zeros(2, 5), torch.zeros(5, 3)


@pytest.mark.parametrize(
    ("call", "error", "sentence"),
    [
        (lambda: made_up.add([1], ab[1]), TypeError, "a must be a tensor, got [1]"),
        (lambda: made_up.add(b=ab[1], a=None), TypeError, "a must be a tensor, got None"),
        (
            lambda: made_up.add(ab[0].int(), ab[1]),
            TypeError,
            "a must be a float tensor, got torch.int32",
        ),
        (lambda: made_up.add(ab[0][0], ab[1]), ValueError, "a must have shape (B, T), got (5,)"),
        (lambda: made_up.add(ab[0], ab[1].T), ValueError, "b must have shape (5, 3), got (3, 5)"),
        (lambda: made_up.add(ab[0], ab[1][:4]), ValueError, "b must have shape (5, 3), got (4, 3)"),
        (
            lambda: made_up.add(ab[0], ab[1].double()),
            TypeError,
            "b must be torch.float32 like a, got torch.float64",
        ),
        (
            lambda: made_up.add(ab[0], ab[1].to("meta")),
            ValueError,
            "b must lie on cpu like a, got meta",
        ),
        (
            lambda: made_up.add(*ab, torch.ones(3, dtype=torch.bool)),
            ValueError,
            "mask must have shape (2,), got (3,)",
        ),
        (
            lambda: made_up.add(*ab, torch.ones(2)),
            TypeError,
            "mask must be a boolean tensor, got torch.float32",
        ),
        (lambda: made_up.add(*ab, mask=True), TypeError, "mask must be a tensor, got True"),
        (
            lambda: made_up.broadcast(torch.zeros(7, 2, 3), torch.ones(2, 4, dtype=torch.bool)),
            ValueError,
            "b must have shape (..., 2, 3) or (3,), got (2, 4)",
        ),
        (
            lambda: made_up.broadcast(torch.zeros(3)),
            ValueError,
            "a must have shape (..., T, K), got (3,)",
        ),
        (
            lambda: made_up.broadcast(
                torch.zeros(2, 3), torch.ones(3, dtype=torch.bool, device="meta")
            ),
            ValueError,
            "b must lie on cpu like a, got meta",
        ),
        (lambda: made_up.count(0), ValueError, "size must be at least 1, got 0"),
        (lambda: made_up.count(True), TypeError, "size must be an integer, got True"),
        (lambda: made_up.count(2.0), TypeError, "size must be an integer, got 2.0"),
        (lambda: made_up.count("2"), TypeError, "size must be an integer, got '2'"),
        (lambda: made_up.count(rest=-1), ValueError, "rest must be at least 0, got -1"),
        (lambda: made_up.count(share=1), ValueError, "share must be at least 0 and below 1, got 1"),
        (
            lambda: made_up.count(share=-0.1),
            ValueError,
            "share must be at least 0 and below 1, got -0.1",
        ),
        (
            lambda: made_up.count(share=math.nan),
            ValueError,
            "share must be at least 0 and below 1, got nan",
        ),
        (lambda: made_up.count(share=False), TypeError, "share must be a number, got False"),
        (lambda: made_up.count(step=0), ValueError, "step must be above 0 and finite, got 0"),
        (
            lambda: made_up.count(step=math.inf),
            ValueError,
            "step must be above 0 and finite, got inf",
        ),
        (lambda: made_up.count(at=-math.inf), ValueError, "at must be finite, got -inf"),
        (lambda: made_up.count(at=1j), TypeError, "at must be a number, got 1j"),
        (lambda: made_up.options(flag=1), TypeError, "flag must be True or False, got 1"),
        (lambda: made_up.options(flag=None), TypeError, "flag must be True or False, got None"),
        (lambda: made_up.options(word=1), TypeError, "word must be a text, got 1"),
        (
            lambda: made_up.options(mode="slo"),
            ValueError,
            "mode must be 'fast' or 'slow', got 'slo'",
        ),
        (lambda: made_up.options(one=0), ValueError, "one must be at least 1, got 0"),
        (
            lambda: made_up.options(one=0.5),
            TypeError,
            "one must be an integer or of type Sequence, got 0.5",
        ),
        (
            lambda: made_up.options(generator=0),
            TypeError,
            "generator must be a torch.Generator, such as torch.Generator().manual_seed(0), got 0",
        ),
        (
            lambda: made_up.lookup(torch.tensor([0, 5]), 5),
            ValueError,
            "ids must lie in 0..4, got 5",
        ),
        (
            lambda: made_up.lookup(torch.tensor([-2, 5]), 5),
            ValueError,
            "ids must lie in 0..4, got -2",
        ),
        (
            lambda: made_up.lookup(torch.tensor([0], dtype=torch.int8), 5),
            TypeError,
            "ids must be an int64 or int32 tensor, got torch.int8",
        ),
        (
            lambda: made_up.lookup(torch.tensor([], dtype=torch.long), 5),
            ValueError,
            "ids must hold at least one number, got (0,)",
        ),
        (lambda: made_up.outer(torch.tensor([0, 3])), ValueError, "words must lie in 0..2, got 3"),
        (lambda: made_up.outer(torch.ones(10).long()), ValueError, "this is no refusal"),
        (lambda: made_up.Wide(0), ValueError, "width must be at least 1, got 0"),
        (lambda: made_up.Narrow(width=1.0), TypeError, "width must be an integer, got 1.0"),
        (lambda: made_up.Plain(0), ValueError, "size must be at least 1, got 0"),
        (
            lambda: made_up.wide(torch.zeros(2, 5)),
            ValueError,
            "x must have shape (2, 4), got (2, 5)",
        ),
        (lambda: made_up.wide(torch.zeros(4)), ValueError, "x must have shape (B, 4), got (4,)"),
        (
            lambda: made_up.wide(torch.zeros(2, 4), torch.zeros(3, 1)),
            ValueError,
            "like must have shape (2, 1), got (3, 1)",
        ),
        (
            lambda: made_up.wide.other(torch.zeros(5)),
            ValueError,
            "x must have shape (4,), got (5,)",
        ),
        (
            lambda: made_up.wide(torch.zeros(2, 4).double()),
            TypeError,
            "x must be torch.float32 like the weights, got torch.float64",
        ),
        (
            lambda: made_up.wide(torch.zeros(2, 4).to("meta")),
            ValueError,
            "x must lie on cpu like the weights, got meta",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_wrong_call_is_answered_in_one_sentence(call, error, sentence):
    with pytest.raises(error, match=f"^{re.escape(sentence)}$"):
        call()


def test_right_calls_go_through():
    assert (
        made_up.add(*ab)
        == made_up.add(*ab, None)
        == made_up.add(*ab, mask=torch.ones(2, dtype=torch.bool))
        == 0
    )
    every = torch.ones(2, 3, dtype=torch.bool)
    for mask in (every, every[:1], every[:, :1], every[0], every[0, :1], every.expand(7, 2, 3)):
        assert made_up.broadcast(torch.zeros(7, 2, 3), mask) == (7, 2, 3)
    assert made_up.broadcast(torch.zeros(2, 3), None) == (2, 3)
    assert made_up.count() == (1, 0, 0.0, 1.0, 0.0)
    assert made_up.count(np.int64(3), 2, 0, np.float32(0.5), -7) == (3, 2, 0, 0.5, -7)
    assert made_up.options(mode="slow")[0] is None
    assert made_up.options(3, flag=False, word="a", one=[1]) == (3, False, "a", [1])
    assert made_up.options(untold=7, generator=torch.Generator()) == (None, True, None, 1)
    assert made_up.lookup(torch.tensor([0, 4], dtype=torch.int32), 5).tolist() == [0, 4]
    assert made_up.wide._private(3) == 3
    assert made_up.Narrow(4).double()(torch.zeros(2, 4).double()).dtype == torch.float64
    assert made_up.Wide.forward(made_up.wide, x=torch.zeros(0, 4)).shape == (0, 4)


def test_what_a_function_does_not_take_is_told_by_python():
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'b'"):
        made_up.add(ab[0])
    with pytest.raises(TypeError, match="unexpected keyword argument 'c'"):
        made_up.add(*ab, c=1)


def test_a_long_value_is_cut_off_and_told_in_one_line():
    with pytest.raises(TypeError, match=r"^a must be a tensor, got \[0, 1, 2, .{47}\.\.\.$"):
        made_up.add(list(range(100)), ab[1])
    with pytest.raises(TypeError, match=r"^size must be an integer, got 'a\\nb'$"):
        made_up.count("a\nb")
    assert (
        str(refusal("x", "be whole", torch.ones(2, 2)))
        == "x must be whole, got tensor([[1., 1.], [1., 1.]])"
    )


def shown_by_ipython(code):
    """What a notebook shows of an error: its lines, and those of the code in it."""
    shell = InteractiveShell.instance()
    shell.colors = "nocolor"
    shell.push({**vars(made_up), "torch": torch})
    with redirect_stdout(io.StringIO()) as shown:
        shell.run_cell(code)
    return shown.getvalue().rstrip().splitlines()


def test_the_traceback_ends_at_the_readers_own_call():
    lines = shown_by_ipython("words = torch.tensor([3])\nouter(words)")
    assert len(lines) == 7
    assert lines[4] == "----> 2 outer(words)"
    assert lines[-1] == "ValueError: words must lie in 0..2, got 3"


def test_the_readers_own_function_stays_in_the_traceback():
    """Between two functions that are held stands the reader's: that is where the mistake is."""
    lines = shown_by_ipython(
        "def mine(ids):\n    return lookup(ids, 2)\n\napply(mine, torch.tensor([2]))"
    )
    assert [line for line in lines if line.startswith("----> ")] == [
        "----> 4 apply(mine, torch.tensor([2]))",
        "----> 2     return lookup(ids, 2)",
    ]
    assert lines[-1] == "ValueError: ids must lie in 0..1, got 2"


def test_another_error_is_shown_as_ever():
    lines = shown_by_ipython("outer(torch.ones(10).long())")
    assert any("in outer" in line for line in lines)
    assert lines[-1] == "ValueError: this is no refusal"


def test_a_guard_is_put_up_once():
    before = dict(vars(made_up.Wide))
    guard(vars(made_up))
    assert dict(vars(made_up.Wide)) == before


def test_held_functions_are_what_they_were():
    assert pickle.loads(pickle.dumps(made_up.lookup)) is made_up.lookup
    assert made_up.add.__name__ == "add"
    other = copy.deepcopy(made_up.wide)
    x = torch.zeros(2, 4)
    assert torch.equal(other(x), made_up.wide(x))


def test_help_shows_what_a_function_takes():
    text = pydoc.plain(pydoc.render_doc(made_up.add)) + pydoc.plain(pydoc.render_doc(made_up.count))
    for words in ("a: jaxtyping.Float[Tensor, 'B T']", "Annotated[int, at least 1]"):
        assert words in text
    assert " at 0x" not in text


def test_no_numbers_are_looked_at_where_there_are_none():
    """While a function is mapped; while it is compiled, see ``transformer/unhooked.py``."""
    x = torch.arange(4).unsqueeze(1)
    assert torch.vmap(lambda ids: made_up.lookup(ids, 2))(x).tolist() == x.tolist()
