"""Bad input for every public function of the helpers: the harness.

The law. A call in which one or two arguments were replaced by bad values, within a few seconds,

- raises a ValueError or TypeError by a ``raise`` statement of ``helpers/``, in one line of at most
  300 characters that names an argument of the call, or
- returns a result that the entry's own ``check`` finds right.

If the bad value is not even of the argument's kind, the call must raise, and the message names that
very argument.

An entry says how a callable is called and what its arguments take::

    Entry(
        "attention.padding_mask",            # module.function, module.Class, module.Class.method
        lambda: (padding_mask, {"lengths": torch.tensor([2, 0, 3]), "max_len": 5}),
        {"lengths": tensor("B", dtype=INTEGERS), "max_len": optional(size(0))},
        check_padding_mask,                  # check_padding_mask(result, given); asserts
    )

- The second is called anew for each call and returns the function and its arguments by name, fresh
  ones each time. For ``*args``, a context manager or an iterator give a function of your own that
  calls it (and enters it, and walks it); for a method, the bound method.
- The third names the kind of each argument that is to be replaced: ``integer(low, high)``,
  ``size(low)`` (an integer that decides how much memory is taken: of it nothing is drawn from 65 to
  2**63, only what no tensor can have), ``number(low, high)``, ``flag()``, ``text()``,
  ``one_of(...)``, ``tensor(*shape, dtype=...)``, ``instance(*classes)``, ``function()``,
  ``sequence(kind)``, ``optional(kind)`` (None is taken as well) and ``anything()``; or a
  ``Kind(name, takes)`` of your own. A kind is necessary and need not be sufficient: what it takes
  may still be refused, with a message that names any argument.
- ``check`` gets the result and the arguments of the call as a dict, bad ones included, and asserts
  that this is the right answer to them. Compare with a reference or state a law; nan that was not
  in the input, a wrong shape and a swallowed nan are errors for it to find.
- Options: ``raises`` (more exception types that are documented, such as FileNotFoundError),
  ``names`` (more words by which a message may name what is wrong, such as "targets"), ``extra``
  (more bad values: ``{"argument": {"label": make_value}}``).

Bad values are those of `POOL` and, for each argument, variations on its good value (`variations`):
both are tried one by one, all of them, on every argument; hypothesis then draws up to two arguments
and values for them, also freely made ones.

A test file has a list of entries and one class, which brings the tests::

    class TestLaw(Law):
        entries = ENTRIES
        modules = ["attention", "layers"]
        examples = 30
"""

import dataclasses
import dis
import functools
import importlib
import inspect
import math
import re
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from numbers import Integral, Real
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

HELPERS = Path(__file__).parent.parent / "helpers"
SECONDS = 20  # on a busy machine too; the first call of some of torch takes five
FLOATS = (torch.float32, torch.float64, torch.float16, torch.bfloat16)
INTEGERS = (torch.int64, torch.int32)
BOOLEANS = (torch.bool,)


# Kinds.


@dataclass(frozen=True)
class Kind:
    """What an argument takes: ``takes(value)`` is False where the call has to raise."""

    name: str
    takes: Callable[[object], bool]
    is_size: bool = False


def integer(low: int, high: float = math.inf) -> Kind:
    def takes(value: object) -> bool:
        return isinstance(value, Integral) and not isinstance(value, bool) and low <= value <= high

    return Kind(f"an integer from {low} to {high}", takes)


def size(low: int = 1) -> Kind:
    """An integer that decides how much memory is taken; no tensor has 2**63 numbers."""
    return dataclasses.replace(integer(low, 2**63 - 1), is_size=True)


def number(low: float, high: float = math.inf) -> Kind:
    """A finite number, ``low <= value < high``."""

    def takes(value: object) -> bool:
        if isinstance(value, bool) or not isinstance(value, Real):
            return False
        return bool(low <= value < high)

    return Kind(f"a number from {low} to below {high}", takes)


def flag() -> Kind:
    return Kind("True or False", lambda value: isinstance(value, bool))


def text() -> Kind:
    return instance(str)


def one_of(*values: object) -> Kind:
    return Kind(
        f"one of {values}",
        lambda value: any(type(value) is type(one) and value == one for one in values),
    )


def tensor(*shape: int | str, dtype: Sequence[torch.dtype] = FLOATS) -> Kind:
    """A tensor of this shape (a letter is any size, ``"..."`` any shape at all) and dtype."""

    def takes(value: object) -> bool:
        if not isinstance(value, Tensor) or value.dtype not in dtype:
            return False
        return shape == ("...",) or (
            value.dim() == len(shape)
            and all(isinstance(w, str) or w == n for w, n in zip(shape, value.shape, strict=True))
        )

    return Kind(f"a tensor {shape} of {dtype}", takes)


def instance(*classes: type) -> Kind:
    return Kind(f"one of {classes}", lambda value: isinstance(value, classes))


def function() -> Kind:
    return Kind("a function", callable)


def sequence(kind: Kind) -> Kind:
    """A list or tuple, each entry of ``kind``."""

    def takes(value: object) -> bool:
        return isinstance(value, list | tuple) and all(kind.takes(entry) for entry in value)

    return Kind(f"a sequence of {kind.name}", takes, kind.is_size)


def optional(kind: Kind) -> Kind:
    return dataclasses.replace(
        kind, name=f"{kind.name} or None", takes=lambda value: value is None or kind.takes(value)
    )


def anything() -> Kind:
    return Kind("anything", lambda value: True)


# Entries.


@dataclass(frozen=True, repr=False, eq=False)
class Entry:
    """One public callable; the module's docstring says how to fill this in."""

    name: str
    build: Callable[[], tuple[Callable[..., Any], dict[str, Any]]]
    kinds: Mapping[str, Kind]
    check: Callable[[Any, dict[str, Any]], None]
    raises: tuple[type[Exception], ...] = ()
    names: tuple[str, ...] = ()
    extra: Mapping[str, Mapping[str, Callable[[], object]]] = field(default_factory=dict)

    def __repr__(self) -> str:
        return self.name


def without_entry(module: str, entries: Sequence[Entry]) -> list[str]:
    """Return the public callables of a module of the helpers that have no entry.

    Those are the callables in ``__all__`` and the public methods of its classes, as far as they
    take an argument, and ``forward`` of a module where it is inherited too. Left out are exceptions
    and the constructors of records (named tuples, and dataclasses that check nothing): they hold
    what they are given.
    """
    found, home = [], importlib.import_module(f"helpers.{module}")
    for name in home.__all__:
        thing = getattr(home, name)
        if not callable(thing) or thing.__module__ != home.__name__:
            continue
        if not inspect.isclass(thing):
            if inspect.signature(thing).parameters:
                found.append(f"{module}.{name}")
        elif not issubclass(thing, Exception):
            if not _is_record(thing):
                found.append(f"{module}.{name}")
            found += [f"{module}.{name}.{method}" for method in _methods(thing)]
    return sorted(set(found) - {entry.name for entry in entries})


def _is_record(cls: type) -> bool:
    plain = dataclasses.is_dataclass(cls) and not hasattr(cls, "__post_init__")
    return plain or issubclass(cls, tuple)


def _methods(cls: type) -> list[str]:
    own = {"forward"} if issubclass(cls, nn.Module) else set()
    for name, method in vars(cls).items():
        if not name.startswith("_") and inspect.isroutine(method):
            itself = inspect.isfunction(method)  # then the first parameter is the object
            if len(inspect.signature(getattr(cls, name)).parameters) > itself:
                own.add(name)
    return sorted(own)


# Bad values.


class Silent(nn.Module):
    """A module, and a function, that takes everything and gives nothing."""

    def forward(self, *inputs: object, **options: object) -> None:
        return None


POOL: dict[str, Callable[[], object]] = {
    "None": lambda: None,
    "True": lambda: True,
    "False": lambda: False,
    "0": lambda: 0,
    "1": lambda: 1,
    "-1": lambda: -1,
    "-7": lambda: -7,
    "10**30": lambda: 10**30,
    "-10**30": lambda: -(10**30),
    "10**400": lambda: 10**400,
    "0.0": lambda: 0.0,
    "0.5": lambda: 0.5,
    "-0.5": lambda: -0.5,
    "2.0": lambda: 2.0,
    "1e300": lambda: 1e300,
    "nan": lambda: math.nan,
    "inf": lambda: math.inf,
    "-inf": lambda: -math.inf,
    "1j": lambda: 1j,
    "a fraction": lambda: Fraction(1, 3),
    "Decimal('nan')": lambda: Decimal("nan"),
    "no text": lambda: "",
    "text": lambda: "seven",
    "digits": lambda: "7",
    "bytes": lambda: b"7",
    "an empty list": list,
    "an empty tuple": tuple,
    "a list of None": lambda: [None],
    "a list of integers": lambda: [2, 3],
    "a list of texts": lambda: ["two", "three"],
    "a ragged list": lambda: [[2, 3], [5]],
    "a list of nan": lambda: [math.nan],
    "an empty dict": dict,
    "a dict": lambda: {"a": 1},
    "an empty set": set,
    "an iterator": lambda: iter([2, 3]),
    "an object": object,
    "a long text": lambda: "x" * 10_000,
    "a function": lambda: lambda *args, **options: None,
    "a module": Silent,
    "a generator": torch.Generator,
    "a path": lambda: Path("nowhere/at/all"),
    "np.float64(nan)": lambda: np.float64("nan"),
    "np.int64(7)": lambda: np.int64(7),
    "np.bool_": lambda: np.bool_(True),
    "an empty array": lambda: np.array([]),
    "an array": lambda: np.ones((2, 3)),
    "an array of objects": lambda: np.array([None, "a"], dtype=object),
    "a tensor ()": lambda: torch.tensor(3),
    "a float tensor ()": lambda: torch.tensor(0.5),
    "a tensor (0,)": lambda: torch.zeros(0),
    "a tensor (2, 3)": lambda: torch.ones(2, 3),
    "a tensor (2, 0, 3)": lambda: torch.ones(2, 0, 3),
    "a tensor (1, 1, 1, 1, 1)": lambda: torch.ones(1, 1, 1, 1, 1),
    "a tensor of integers": lambda: torch.tensor([2, 3]),
    "a tensor of booleans": lambda: torch.tensor([[True, False]]),
    "a tensor of nan": lambda: torch.full((2, 3), math.nan),
    "a large tensor": lambda: torch.ones(101, 103),
    "a complex tensor": lambda: torch.ones(2, 3, dtype=torch.complex64),
    "a sparse tensor": lambda: torch.eye(3).to_sparse(),
    "a tensor on meta": lambda: torch.ones(2, 3, device="meta"),
}


def variations(good: object) -> dict[str, Callable[[], object]]:
    """Return bad and odd relatives of a good value, by label."""
    if isinstance(good, Tensor):
        return _tensor_variations(good)
    if isinstance(good, bool):
        return {"as integer": lambda: int(good), "as text": lambda: str(good)}
    if isinstance(good, int | float | Decimal):
        return {
            "negated": lambda: -good,
            "next": lambda: good + 1,
            "as text": lambda: str(good),
            "as float": lambda: float(good),
            "as float32": lambda: np.float32(good),
            "as a tensor": lambda: torch.tensor(float(good)),
            "in a list": lambda: [good],
        }
    if isinstance(good, str):
        return {
            "upper case": lambda: good.upper(),
            "longer": lambda: good + "x",
            "as bytes": good.encode,
            "with a zero": lambda: good + "\0",
            "half a surrogate pair": lambda: good + "\ud800",
            "in a list": lambda: [good],
        }
    if isinstance(good, list | tuple):
        return {
            "as list": lambda: list(good),
            "as tuple": lambda: tuple(good),
            "as an iterator": lambda: iter(good),
            "emptied": lambda: good[:0],
            "shortened": lambda: good[:-1],
            "doubled": lambda: good + good,
            "with None": lambda: [*good[:-1], None],
            "with nan": lambda: [*good[:-1], math.nan],
            "with text": lambda: [*good[:-1], "seven"],
            "with -1": lambda: [*good[:-1], -1],
            "with 10**30": lambda: [*good[:-1], 10**30],
            "with a list": lambda: [*good[:-1], []],
            "in a list": lambda: [good],
        }
    return {}


def _tensor_variations(good: Tensor) -> dict[str, Callable[[], object]]:
    found: dict[str, Callable[[], object]] = {
        "without its first axis": lambda: good[0],
        "with another axis": lambda: good[None],
        "its last axis shortened": lambda: good[..., :-1],
        "its last axis doubled": lambda: torch.cat([good, good], dim=-1),
        "its first axis doubled": lambda: torch.cat([good, good]),
        "transposed": lambda: good.transpose(0, -1),
        "strided": lambda: torch.stack([good, good], dim=-1)[..., 0],
    }
    if good.is_meta:
        found["on the processor"] = lambda: torch.zeros_like(good, device="cpu")
    else:
        found["on meta"] = lambda: good.to("meta")
        found["sparse"] = lambda: good.to_sparse()
        found["as array"] = lambda: good.detach().numpy()
        found["as list"] = good.tolist
    for axis in range(good.dim()):
        found[f"no axis {axis}"] = lambda axis=axis: good.narrow(axis, 0, 0)
    dtypes = (*FLOATS, *INTEGERS, *BOOLEANS, torch.uint8, torch.complex64)
    for dtype in dtypes:
        found[f"as {dtype}"] = lambda dtype=dtype: good.to(dtype)
    if good.is_floating_point():
        found["with gradients"] = lambda: good.detach().clone().requires_grad_()
        found["without gradients"] = good.detach
        largest = torch.finfo(good.dtype).max
        odd = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf, "huge": largest / 2}
    else:
        odd = {"-1": -1, "huge": 2**31 - 1} if good.dtype is not torch.bool else {}
    for label, value in odd.items():
        found[f"with {label}"] = lambda value=value: _with_last(good, value)
        found[f"full of {label}"] = lambda value=value: torch.full_like(good, value)
    return found


def _with_last(good: Tensor, value: float) -> Tensor:
    changed = good.clone(memory_format=torch.contiguous_format)
    changed.view(-1)[-1] = value
    return changed


def _free_values() -> st.SearchStrategy:
    """Values that are in no list."""
    shapes = st.lists(st.integers(0, 4), max_size=5)
    dtypes = st.sampled_from([*FLOATS, *INTEGERS, *BOOLEANS, torch.complex64])
    scalars = st.one_of(
        st.integers(-100, 100), st.integers(), st.floats(), st.text(max_size=5), st.booleans()
    )
    return st.one_of(
        scalars,
        st.lists(scalars, max_size=4),
        st.builds(lambda shape, dtype: torch.ones(shape, dtype=dtype), shapes, dtypes),
    )


_FREE = _free_values().map(lambda value: (repr(value), lambda: value))


# The law.


def good_call(entry: Entry) -> None:
    """Assert that the entry's own call is right, and that each of its arguments has its kind."""
    function, given = entry.build()
    assert set(entry.kinds) <= set(given), "a kind for an argument that is not given"
    wrong = [name for name, kind in entry.kinds.items() if not kind.takes(given[name])]
    assert wrong == [], f"good arguments that their kinds do not take: {wrong}"
    entry.check(_call(function, given), given)


def single_arguments(entries: Sequence[Entry]) -> list:
    """Return ``(entry, argument)`` for each argument of each entry, for parametrize."""
    return [
        pytest.param(entry, argument, id=f"{entry}-{argument}")
        for entry in entries
        for argument in entry.kinds
    ]


def each_bad_value(entry: Entry, argument: str) -> None:
    """Hold the law for every bad value that there is for one argument."""
    values = _bad_values(entry, argument)
    found = [_judge(entry, {argument: (label, make)}) for label, make in values.items()]
    broken = [complaint for complaint in found if complaint]
    assert not broken, f"{len(broken)} of {len(values)} values:\n" + "\n".join(broken)


def drawn_bad_values(entry: Entry, data: st.DataObject) -> None:
    """Hold the law for one or two arguments and values that hypothesis draws."""
    arguments = st.sampled_from(sorted(entry.kinds))
    bad = {}
    for argument in data.draw(st.lists(arguments, min_size=1, max_size=2, unique=True)):
        listed = _bad_values(entry, argument)
        drawn = data.draw(st.one_of(st.sampled_from(list(listed)), _FREE), label=argument)
        bad[argument] = drawn if isinstance(drawn, tuple) else (drawn, listed[drawn])
    complaint = _judge(entry, bad)
    assert not complaint, complaint


class Law:
    """The tests of some entries: inherit as ``TestLaw`` and name entries, modules and examples."""

    entries: Sequence[Entry]
    modules: Sequence[str]  # every public callable of these has an entry
    examples: int  # drawn by hypothesis for each entry

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        if "argument" in metafunc.fixturenames:
            metafunc.parametrize(("entry", "argument"), single_arguments(self.entries))
        elif "entry" in metafunc.fixturenames:
            metafunc.parametrize("entry", self.entries, ids=str)
        else:
            metafunc.parametrize("module", self.modules)

    def test_the_good_call_is_right(self, entry: Entry) -> None:
        good_call(entry)

    def test_each_bad_value(self, entry: Entry, argument: str) -> None:
        each_bad_value(entry, argument)

    def test_drawn_bad_values(self, entry: Entry) -> None:
        @settings(max_examples=self.examples)
        @given(data=st.data())
        def draw(data: st.DataObject) -> None:
            drawn_bad_values(entry, data)

        draw()

    def test_every_public_callable_has_an_entry(self, module: str) -> None:
        assert without_entry(module, self.entries) == []


@functools.cache
def _bad_values(entry: Entry, argument: str) -> dict[str, Callable[[], object]]:
    good = entry.build()[1][argument]
    return {**POOL, **variations(good), **entry.extra.get(argument, {})}


def _judge(entry: Entry, bad: dict[str, tuple[str, Callable[[], object]]]) -> str:
    """Make the call with the bad values and return what is wrong about its outcome, if anything.

    Args:
        bad: for each argument to be replaced a label and what makes the value.
    """
    function, given = entry.build()
    given |= {argument: make() for argument, (_, make) in bad.items()}
    if any(entry.kinds[name].is_size and _takes_memory(given[name]) for name in bad):
        return ""
    refused = [name for name in bad if not entry.kinds[name].takes(given[name])]
    what = f"{entry} with {', '.join(f'{name}: {label}' for name, (label, _) in bad.items())}"
    try:
        result = _call(function, given)
    except Exception as error:
        complaint = _complaint(entry, error, given, refused if len(bad) == 1 else [])
        return f"{what}: {complaint}: {type(error).__name__}: {error!s:.200}" if complaint else ""
    if refused:
        wanted = ", ".join(f"{name} takes {entry.kinds[name].name}" for name in refused)
        return f"{what}: accepted, though {wanted}; gave {result!r:.200}"
    try:
        entry.check(result, given)
    except Exception as error:
        return f"{what}: not the right answer: {error!r:.200}; gave {result!r:.200}"
    return ""


def _takes_memory(value: object) -> bool:
    if isinstance(value, Integral):
        return 64 < value < 2**63
    return isinstance(value, list | tuple) and any(map(_takes_memory, value))


def _call(function: Callable[..., Any], given: dict[str, Any]) -> object:
    torch.default_generator.manual_seed(0)  # torch.manual_seed writes out the stack, each time
    with _time_limit():
        return function(**given)


@contextmanager
def _time_limit() -> Iterator[None]:
    """Raise TimeoutError in a call that hangs, where the system can, and after a slow one else."""

    def stop(*_: object) -> None:
        raise TimeoutError(f"took more than {SECONDS} seconds")

    start = time.monotonic()
    if hasattr(signal, "setitimer"):
        before = signal.signal(signal.SIGALRM, stop)
        signal.setitimer(signal.ITIMER_REAL, SECONDS)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
    else:
        yield
    if time.monotonic() - start > SECONDS:
        stop()


def _complaint(entry: Entry, error: Exception, given: dict, refused: list[str]) -> str:
    """Return what is wrong with an error, if anything."""
    if not isinstance(error, (ValueError, TypeError, *entry.raises)):
        return "another kind of error"
    if not _is_raised_in_helpers(error):
        return "not raised by a raise statement of helpers/"
    message = str(error)
    names = refused or (*given, *entry.names)
    if not any(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", message) for name in names):
        return f"names none of {tuple(names)}"
    if "\n" in message or len(message) > 300:
        return f"{len(message)} characters in {message.count(chr(10)) + 1} lines"
    return ""


def _is_raised_in_helpers(error: Exception) -> bool:
    trace = error.__traceback__
    while trace.tb_next is not None:
        trace = trace.tb_next
    code = trace.tb_frame.f_code
    raised = dis.opname[code.co_code[trace.tb_lasti]] == "RAISE_VARARGS"
    return raised and Path(code.co_filename).parent == HELPERS
