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
from helpers.refusals import check_finite, check_numbers, refusal

made_up = types.ModuleType("helpers.made_up")
PLACE = Path(helpers.__file__).with_name("made_up.py")  # so that its frames are not the reader's


@pytest.fixture(autouse=True)
def _made_up_anew() -> None:
    """Before each test, so that `make mutants` finds each to run the guard that it has broken."""
    source = Path(__file__).with_name("made_up.py").read_text("utf-8")
    sys.modules[made_up.__name__] = made_up
    exec(compile(source, PLACE, "exec"), vars(made_up))
    made_up.wide = made_up.Narrow(4)


a, b, cube, pair = torch.zeros(2, 5), torch.zeros(5, 3), torch.zeros(7, 2, 3), torch.zeros(2, 4)
yes = torch.ones(7, 5, dtype=torch.bool)
ids, long = torch.tensor([0, 5, -2]), list(range(100))

VALUES = [
    (lambda: made_up.add(a[0], b), "a must have shape (B, T), got (5,)"),
    (lambda: made_up.add(a, b.T), "b must have shape (5, 3), got (3, 5)"),
    (lambda: made_up.add(a, b[:4]), "b must have shape (5, 3), got (4, 3)"),
    (lambda: made_up.add(a, b.to("meta")), "b must lie on cpu like a, got meta"),
    (lambda: made_up.add(a, b, yes[0, :3]), "mask must have shape (2,), got (3,)"),
    (
        lambda: made_up.broadcast(cube, yes[:2, :4]),
        "b must have shape (..., 2, 3) or (3,), got (2, 4)",
    ),
    (lambda: made_up.broadcast(a[0]), "a must have shape (..., T, K), got (5,)"),
    (lambda: made_up.broadcast(a, yes[0].to("meta")), "b must lie on cpu like a, got meta"),
    (lambda: made_up.count(0), "size must be at least 1, got 0"),
    (lambda: made_up.count(rest=-1), "rest must be at least 0, got -1"),
    (lambda: made_up.count(share=1), "share must be at least 0 and below 1, got 1"),
    (lambda: made_up.count(share=-0.1), "share must be at least 0 and below 1, got -0.1"),
    (lambda: made_up.count(share=math.nan), "share must be at least 0 and below 1, got nan"),
    (lambda: made_up.count(step=0), "step must be above 0 and finite, got 0"),
    (lambda: made_up.count(step=math.inf), "step must be above 0 and finite, got inf"),
    (lambda: made_up.count(at=-math.inf), "at must be finite, got -inf"),
    (lambda: made_up.options(mode="slo"), "mode must be 'fast' or 'slow', got 'slo'"),
    (lambda: made_up.options(one=0), "one must be at least 1, got 0"),
    (lambda: made_up.lookup(ids[:2], 5), "ids must lie in 0..4, got 5"),
    (lambda: made_up.lookup(ids, 5), "ids must lie in 0..4, got -2"),
    (lambda: made_up.lookup(ids[:0], 5), "ids must hold at least one number, got (0,)"),
    (lambda: made_up.outer(ids[:2]), "words must lie in 0..2, got 5"),
    (lambda: made_up.outer(ids[:1], ids[:2]), "more must lie in 0..2, got 5"),
    (lambda: made_up.outer(ids.repeat(4)), "this is no refusal"),
    (lambda: made_up.shifted(ids[:2]), "ids must lie in 0..2, got 6"),
    (lambda: check_numbers("ids", ids, 0), "ids must be at least 0, got -2"),
    (lambda: check_finite("x", torch.tensor([1, math.nan])), "x must be finite, got nan"),
    (lambda: made_up.Wide(0), "width must be at least 1, got 0"),
    (lambda: made_up.Plain(0), "size must be at least 1, got 0"),
    (lambda: made_up.wide(a), "x must have shape (2, 4), got (2, 5)"),
    (lambda: made_up.wide(pair[0]), "x must have shape (B, 4), got (4,)"),
    (lambda: made_up.wide(pair, b[:3, :1]), "like must have shape (2, 1), got (3, 1)"),
    (lambda: made_up.wide.other(a[0]), "x must have shape (4,), got (5,)"),
    (lambda: made_up.wide(pair.to("meta")), "x must lie on cpu like the model, got meta"),
]
KINDS = [
    (lambda: made_up.add([1], b), "a must be a tensor, got [1]"),
    (lambda: made_up.add(b=b, a=None), "a must be a tensor, got None"),
    (lambda: made_up.add(a.int(), b), "a must be a float tensor, got torch.int32"),
    (lambda: made_up.add(a, b.double()), "b must be torch.float32 like a, got torch.float64"),
    (lambda: made_up.add(a, b, a[0]), "mask must be a boolean tensor, got torch.float32"),
    (lambda: made_up.add(a, b, mask=True), "mask must be a tensor, got True"),
    (lambda: made_up.add(long, b), f"a must be a tensor, got {str(long)[:57]}..."),
    (lambda: made_up.count("a" * 58), f"size must be an integer, got '{'a' * 58}'"),
    (lambda: made_up.count("a" * 59), f"size must be an integer, got '{'a' * 56}..."),
    (lambda: made_up.count(True), "size must be an integer, got True"),
    (lambda: made_up.count(2.0), "size must be an integer, got 2.0"),
    (lambda: made_up.count("2\n"), r"size must be an integer, got '2\n'"),
    (lambda: made_up.count(share=False), "share must be a number, got False"),
    (lambda: made_up.count(at=1j), "at must be a number, got 1j"),
    (lambda: made_up.options(flag=1), "flag must be True or False, got 1"),
    (lambda: made_up.options(flag=None), "flag must be True or False, got None"),
    (lambda: made_up.options(word=1), "word must be a text, got 1"),
    (lambda: made_up.options(one=0.5), "one must be an integer or a list, got 0.5"),
    (
        lambda: made_up.options(generator=0),
        "generator must be a torch.Generator, such as torch.Generator().manual_seed(0), got 0",
    ),
    (
        lambda: made_up.lookup(ids.to(torch.int8), 5),
        "ids must be an int64 or int32 tensor, got torch.int8",
    ),
    (lambda: made_up.Narrow(width=1.0), "width must be an integer, got 1.0"),
    (
        lambda: made_up.wide(pair.double()),
        "x must be torch.float32 like the model, got torch.float64",
    ),
]


@pytest.mark.parametrize(
    ("error", "call", "sentence"),
    [*((ValueError, *row) for row in VALUES), *((TypeError, *row) for row in KINDS)],
)
def test_a_wrong_call_is_answered_in_one_sentence(error, call, sentence):
    with pytest.raises(error, match=f"^{re.escape(sentence)}$"):
        call()


def test_right_calls_go_through():
    assert made_up.add(a, b) == made_up.add(a, b, None) == made_up.add(a, b, mask=yes[0, :2]) == 0
    every = yes[:2, :3]
    for mask in (every, every[:1], every[:, :1], every[0], every[0, :1], every.expand(7, 2, 3)):
        assert made_up.broadcast(cube, mask) == (7, 2, 3)
    assert made_up.broadcast(a, None) == (2, 5)
    assert made_up.count() == (1, 0, 0.0, 1.0, 0.0)
    assert made_up.count(np.int64(3), 2, 0, np.float32(0.5), -7) == (3, 2, 0, 0.5, -7)
    assert made_up.options(mode="slow")[0] is None
    assert made_up.options(3, flag=False, word="a", one=[1]) == (3, False, "a", [1])
    assert made_up.options(untold=7, generator=torch.Generator()) == (None, True, None, 1)
    assert made_up.lookup(torch.tensor([0, 4], dtype=torch.int32), 5).tolist() == [0, 4]
    assert check_finite("x", a) is None
    assert made_up.wide._private(3) == 3
    assert made_up.Narrow(4).double()(pair.double()).dtype == torch.float64
    assert made_up.Wide.forward(made_up.wide, x=pair[:0]).shape == (0, 4)


def test_what_a_function_does_not_take_is_told_by_python():
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'b'"):
        made_up.add(a)
    with pytest.raises(TypeError, match="unexpected keyword argument 'c'"):
        made_up.add(a, b, c=1)


def test_a_value_of_several_lines_is_told_in_one():
    told = "x must be whole, got tensor([[1., 1.], [1., 1.]])"
    assert str(refusal("x", "be whole", torch.ones(2, 2))) == told


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
    mine = "def mine(ids):\n    return lookup(ids, 2)\n\n"
    lines = shown_by_ipython(f"{mine}apply(mine, torch.tensor([2]))")
    shown = [line for line in lines if line.startswith("----> ")]
    assert shown == ["----> 4 apply(mine, torch.tensor([2]))", "----> 2     return lookup(ids, 2)"]
    assert lines[-1] == "ValueError: ids must lie in 0..1, got 2"


def test_another_error_is_shown_as_ever():
    lines = shown_by_ipython("outer(torch.ones(10).long())")
    assert any("in outer" in line for line in lines)
    assert lines[-1] == "ValueError: this is no refusal"


def test_each_function_keeps_code_of_its_own():
    """torch compiles by code, and gives up after eight variants of one."""
    assert made_up.add.__code__ is not made_up.count.__code__


def test_a_guard_is_put_up_once():
    before = dict(vars(made_up.Wide))
    guard(vars(made_up))
    assert dict(vars(made_up.Wide)) == before
    assert not hasattr(torch.nn.Module.train, "held")  # of a base that is not ours


def test_a_module_without_weights_takes_any_floats():
    del made_up.wide.inner
    assert made_up.wide.other(torch.zeros(4).double()).dtype == torch.float64


def test_held_functions_are_what_they_were():
    assert pickle.loads(pickle.dumps(made_up.lookup)) is made_up.lookup
    assert made_up.add.__name__ == "add"
    assert torch.equal(copy.deepcopy(made_up.wide)(pair), made_up.wide(pair))


def test_help_shows_what_a_function_takes():
    text = pydoc.plain(pydoc.render_doc(made_up.add)) + pydoc.plain(pydoc.render_doc(made_up.count))
    assert "a: jaxtyping.Float[Tensor, 'B T']" in text
    assert "Annotated[int, at least 1]" in text
    assert " at 0x" not in text


def test_no_numbers_are_looked_at_where_there_are_none():
    """While a function is mapped; while it is compiled, see ``transformer/unhooked.py``."""
    x = torch.arange(4).unsqueeze(1)
    assert torch.vmap(lambda ids: made_up.lookup(ids, 2))(x).tolist() == x.tolist()
