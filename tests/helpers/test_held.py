"""Everything public is held to its signature: wrong values of every kind are made from it.

For each public function, and each public method, a right call is written down, in a file
``right_calls_...`` for each topic. From what the signature says of an argument come
values that it refuses: other kinds, ranks, sizes, dtypes, devices and numbers out of range. Put in
the place of the right one, each must raise an error that names the argument in one sentence. The
values are made with the same annotations that the contracts read; those of `test_wrong_calls` are
written by hand instead.
"""

import datetime
import importlib
import inspect
import pkgutil
import types
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

import pytest
import torch
from jaxtyping import AbstractArray
from matplotlib.axes import Axes
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

import helpers
from helpers.contracts import Count, Finite, NotNegative, Positive, Share, Size
from tests.helpers.right_calls import GIVEN, right_call

RIGHT = {name: partial(right_call, name) for name in GIVEN}

NUMBERS = {
    Size: [0, -1, True, 2.0, "2"],
    Count: [-1, False, 2.0],
    Share: [-0.1, 1, float("nan"), "0.5", True],
    Positive: [0, -1.0, float("inf"), float("nan"), "1"],
    Finite: [float("inf"), float("nan"), "1", True],
    NotNegative: [-0.1, float("inf"), float("nan"), "1", True],
    bool: [1, 0.0, "no"],
    str: [1, b"text"],
    torch.Generator: [0, "seed"],
    nn.Module: [len, "model", nn.Linear],
    Sequence: [7, {2, 3}, torch.tensor([0.5])],
    Iterable: [7],
    list: [7, "text"],
    Path: [7, b"text"],
    Callable: ["mse", []],
    Mapping: [[(1, 10)]],
    Optimizer: [0.1],
    LRScheduler: [0.1],
    datetime.date: ["2025-01-31"],
    # What figures take: numbers of any kind, their names, and places to draw in.
    object: ["text", [["a"]], [float("nan")], [1j], [], torch.ones(1, 1, 1, 1, 1)],
    dict[str, object]: [[1.0], "text"],
    Collection[str]: [3, "text", {"a"}, []],
    Collection[Finite]: [3, (5, 2), (5,), (1, float("nan"))],
    Literal["linear", "log"]: ["lin", 1],
    Axes: [3, "ax"],
}


def modules() -> list[types.ModuleType]:
    found = [each.name for each in pkgutil.walk_packages(helpers.__path__, "helpers.")]
    held = [name for name in found if name not in ("helpers.contracts", "helpers.refusals")]
    return [importlib.import_module(name) for name in held]


def public(module: types.ModuleType) -> Iterator[tuple[str, Any]]:
    """What is defined in a module and public: functions, and methods of classes."""
    for name in getattr(module, "__all__", ()):
        thing = getattr(module, name)
        if getattr(thing, "__module__", None) != module.__name__:  # handed on, or a constant
            continue
        if inspect.isfunction(thing):
            yield name, thing
        elif inspect.isclass(thing):
            for method, function in inspect.getmembers(thing, inspect.isfunction):
                own = function.__module__ == module.__name__
                if own and (method == "__init__" or method[0] != "_"):
                    yield name if method == "__init__" else f"{name}.{method}", function


PUBLIC = {name: thing for module in modules() for name, thing in public(module)}


def test_everything_public_is_held():
    assert [name for name, thing in PUBLIC.items() if not hasattr(thing, "held")] == []


def test_everything_public_has_a_right_call():
    assert sorted(RIGHT) == sorted(PUBLIC)


def alternatives(annotation: Any) -> list[Any]:
    if get_origin(annotation) in (Union, types.UnionType):
        return [one for each in get_args(annotation) for one in alternatives(each)]
    origin = get_origin(annotation)
    return [origin if origin in NUMBERS else annotation]


def is_array(annotation: Any) -> bool:
    return inspect.isclass(annotation) and issubclass(annotation, AbstractArray)


def wrong_tensors(annotation: Any, value: Tensor, tied: set[str]) -> dict[str, Any]:
    """What an annotation refuses in the place of a right tensor."""
    wrong = {
        "a list": value.tolist(),
        "a number": 3,
        "an array": value.numpy(force=True),
        "complex": value.to(torch.complex64),
        "meta": value.to("meta"),
    }
    if value.is_floating_point():
        wrong |= {"integers": value.long(), "other floats": value.half()}
    else:
        wrong |= {"floats": value.float(), "bytes": value.to(torch.uint8)}
    dims = annotation.dim_str.split()
    if dims[0] != "...":
        wrong["one axis more"] = value.unsqueeze(0)
    if len([dim for dim in dims if dim != "..."]) == value.dim() and value.dim():
        wrong["one axis fewer"] = value[0]
    for back, dim in enumerate(reversed(dims), start=1):
        if dim.isdigit() or dim.startswith("{") or dim in tied:
            more = value.narrow(-back, 0, 1)
            wrong[f"another {dim}"] = torch.cat([value, more], -back)  # one more
    return wrong


def cases() -> Iterator[Any]:
    for name, make in RIGHT.items():
        function, given = make()
        annotations = {
            each.name: alternatives(each.annotation)
            for each in inspect.signature(function, eval_str=True).parameters.values()
        }
        met: set[str] = set()
        owner = getattr(function, "__self__", None)
        floats = isinstance(owner, nn.Module) and bool([*owner.parameters(), *owner.buffers()])
        for argument, accepted in annotations.items():
            if argument not in given:
                continue
            arrays = [one for one in accepted if is_array(one)]
            if arrays and Sequence not in accepted:
                tied = met if len(arrays) == 1 else set()
                wrong = wrong_tensors(arrays[0], given[argument], tied)
                if len(arrays) > 1:
                    wrong = {how: wrong[how] for how in ("a list", "a number", "complex", "meta")}
                    wrong["one axis only"] = given[argument].flatten()[:2]
                if not floats:  # the first is like nothing
                    wrong.pop("meta", None)
                    wrong.pop("other floats", None)
                floats = floats or given[argument].is_floating_point()
                met |= {dim for dim in arrays[0].dim_str.split() if dim.isalpha()}
            else:
                kinds = [one for one in accepted if one in NUMBERS]
                wrong = {repr(value): value for one in kinds[:1] for value in NUMBERS[one]}
            if types.NoneType not in accepted and wrong:
                wrong["None"] = None
            for how, value in wrong.items():
                yield pytest.param(make, argument, value, id=f"{name}-{argument}-{how}")


@pytest.mark.parametrize(("make", "argument", "value"), list(cases()))
def test_a_wrong_argument_is_named_in_one_sentence(make, argument, value):
    function, given = make()
    with pytest.raises((TypeError, ValueError)) as seen:
        function(**{**given, argument: value})
    words = str(seen.value)
    assert words.startswith(f"{argument} must ")
    assert ", got " in words
    assert "\n" not in words
    assert len(words) <= 300
    assert getattr(seen.value, "refused", None)


@pytest.mark.parametrize("name", RIGHT)
def test_a_right_call_goes_through_and_leaves_its_arguments_as_they_were(name):
    function, given = RIGHT[name]()
    assert given or not inspect.signature(function).parameters, "nothing to get wrong"
    before = {name: x.clone() for name, x in given.items() if isinstance(x, Tensor)}
    function(**given)
    assert all(torch.equal(given[name], x) for name, x in before.items())


# What refuses nan; and random_shift, which may move it out of the picture.
REFUSING = "frechet_distance count_by_centre gradient_penalty discriminator_step generator_step"
EXEMPT = [*REFUSING.split(), "random_shift"]


def float_inputs() -> Iterator[Any]:
    for name in sorted(RIGHT.keys() - EXEMPT):
        for argument, value in RIGHT[name]()[1].items():
            if isinstance(value, Tensor) and value.is_floating_point():
                yield pytest.param(RIGHT[name], argument, id=f"{name}-{argument}")


@pytest.mark.parametrize(("make", "argument"), list(float_inputs()))
def test_nothing_else_swallows_a_nan(make, argument):
    function, given = make()
    value = given[argument].clone()
    value.view(-1)[-1] = float("nan")
    result = function(**given | {argument: value})
    output = result[0] if isinstance(result, tuple) else result  # attention gives its weights, too
    assert output.isnan().any()
