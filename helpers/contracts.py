"""What a function takes stands in its signature, and every call is held to it::

    def attend(query: Float[Tensor, "... T K"], key: Float[Tensor, "... S K"], heads: Size = 1)

``guard(globals())`` at the end of a module does so for all that is public there. The notation is
jaxtyping's, https://docs.kidger.site/jaxtyping. A letter is any size, but the same one throughout a
call; digits are themselves, ``{self.width}`` is an attribute, ``#T`` is T or 1, and ``...`` is
anything. What is computed together is of one dtype and lies on one device: the floats of a call,
and the weights of its module. ``refusals`` says how a wrong call is answered.
"""

import functools
import inspect
import math
import re
import types
from collections.abc import Callable
from itertools import chain
from numbers import Integral, Real
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

import torch
from jaxtyping import AbstractArray
from torch import Tensor, nn

from helpers.refusals import KINDS, refusal, tell_as_called

__all__ = ["Count", "Finite", "NotNegative", "Positive", "Share", "Size", "Such", "guard"]


class Such(NamedTuple):
    """The condition that a value must meet, how to say it, and the kind of error."""

    words: str
    fits: Callable[[Any], bool]
    error: type[Exception] = ValueError

    def __repr__(self) -> str:
        return self.words


Size = Annotated[int, Such("at least 1", lambda n: n >= 1)]
Count = Annotated[int, Such("at least 0", lambda n: n >= 0)]
Share = Annotated[float | int, Such("at least 0 and below 1", lambda p: 0 <= p < 1)]
Positive = Annotated[float | int, Such("above 0 and finite", lambda x: 0 < x < math.inf)]
Finite = Annotated[float | int, Such("finite", math.isfinite)]
NotNegative = Annotated[Finite, Such("at least 0", lambda x: x >= 0)]

ARRAYS = {  # jaxtyping's name of a kind: its dtypes here, and how to say it
    "Float": ((torch.float32, torch.float64, torch.float16, torch.bfloat16), "a float tensor"),
    "Int": ((torch.int64, torch.int32), "an int64 or int32 tensor"),
    "Bool": ((torch.bool,), "a boolean tensor"),
}
NUMBERS = {int: Integral, float | int: Real}  # NumPy's as well

Problem = tuple[str, object, type[Exception]]  # what was wanted, what was got, kind of error
Rule = Callable[[Any, "_Call"], Problem | None]


def guard(module: dict[str, Any]) -> None:
    """Hold every public function of a module, and every public method of its classes."""
    for name in module["__all__"]:
        if inspect.isfunction(thing := module[name]):
            module[name] = _held(thing)
        for cls in getattr(thing, "__mro__", ()):
            ours = vars(cls).items() if cls.__module__ == module["__name__"] else ()
            for method, function in list(ours):
                public = method == "__init__" or method[0] != "_"
                if public and inspect.isfunction(function) and not hasattr(function, "held"):
                    setattr(cls, method, _held(function))


def _held(function: Callable) -> Callable:
    """Turn away every call whose arguments are not what the signature says."""
    taken = inspect.signature(function).parameters
    rules = {name: rule for name, one in taken.items() if (rule := _rule(one.annotation, name))}
    owner = next(iter(taken), "")

    def call(*args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True  # in IPython
        if torch.compiler.is_compiling():
            return function(*args, **kwargs)
        given = dict(zip(taken, args, strict=False)) | kwargs
        met = _Call(given.get(owner))
        for name, rule in rules.items():
            if name in given and (problem := rule(given[name], met)):
                raise refusal(name, *problem)
        try:
            return function(*args, **kwargs)
        except (TypeError, ValueError) as error:
            if hasattr(error, "refused"):
                tell_as_called(error, given)
            raise

    call.__code__ = call.__code__.replace(co_name=function.__name__)  # torch compiles each anew
    vars(call)["held"] = True
    return functools.update_wrapper(call, function)


class _Call:
    """What a call has met so far: the size of each letter, and a tensor to be like."""

    def __init__(self, owner: object) -> None:
        self.owner, self.whose = owner, "the model"
        self.sizes: dict[str, Any] = {}
        self.like: Tensor | None = None
        if isinstance(owner, nn.Module) and "_modules" in owner.__dict__:  # not before __init__
            self.like = _first_weight(owner)

    def size_of(self, dim: str, got: Any) -> Any:
        """Return the size of a dimension; it becomes what was got if nothing says otherwise."""
        if dim[0] == "#":
            return got if got == 1 else self.sizes.get(dim[1:], got)
        if dim[0] == "{":
            return getattr(self.owner, dim[6:-1])
        return int(dim) if dim.isdigit() else self.sizes.setdefault(dim, got)


def _first_weight(module: nn.Module) -> Tensor | None:
    """Return the first of its parameters, or else a buffer, without making their generators."""
    own = (*module._parameters.values(), *module._buffers.values())
    parts = (_first_weight(part) for part in module._modules.values() if part is not None)
    return next((weight for weight in chain(own, parts) if weight is not None), None)


def _rule(annotation: Any, name: str) -> Rule | None:
    """Return what holds a value to an annotation; None for one that says nothing here."""
    kind, parts = get_origin(annotation) or annotation, get_args(annotation)
    if kind in (Union, types.UnionType):
        rules = [one for part in parts if (one := _rule(part, name))]
        return _either(rules) if len(rules) == len(parts) else None
    if kind is Annotated:
        first, *such = parts
        return _instance(first if first in NUMBERS else get_origin(first) or first, *such)
    if kind is Literal:
        typed = [(type(part), part) for part in parts]  # 2.0 and True are no 2 and no 1
        return _instance(
            object, Such(" or ".join(map(repr, parts)), lambda x: (type(x), x) in typed)
        )
    if not isinstance(kind, type) or kind in (Any, inspect.Parameter.empty):
        return None
    return _array(kind, name) if issubclass(kind, AbstractArray) else _instance(kind)


def _either(rules: list[Rule]) -> Rule:
    def rule(value: Any, met: _Call) -> Problem | None:
        problems, sizes = [], met.sizes
        for one in rules:
            met.sizes = sizes.copy()
            if (problem := one(value, met)) is None:
                return None
            problems.append(problem)
        _, got, kind = min(
            problems, key=lambda problem: (problem[2] is TypeError, problem[1] is value)
        )
        alike = dict.fromkeys(words for words, _, error in problems if error is kind)
        alike.pop("be None", None)
        return re.sub(" or (be|have shape) ", " or ", " or ".join(alike)), got, kind

    return rule


def _instance(kind: Any, *such: Such) -> Rule:
    accepted, name = NUMBERS.get(kind, kind), getattr(kind, "__name__", "")  # a union has none
    words = f"be {KINDS.get(kind, f'of type {name}')}"

    def rule(value: Any, met: _Call) -> Problem | None:
        if not isinstance(value, accepted) or (kind in NUMBERS and isinstance(value, bool)):
            return words, value, TypeError
        return next(((f"be {c.words}", value, c.error) for c in such if not c.fits(value)), None)

    return rule


def _array(annotation: type[AbstractArray], name: str) -> Rule:
    dtypes, words = ARRAYS[annotation.dtype.__name__]
    floats = dtypes[0].is_floating_point
    dims = annotation.dim_str.split()
    leading = dims[:1] == ["..."]
    last = dims[leading:]

    def rule(value: Any, met: _Call) -> Problem | None:
        if not isinstance(value, Tensor):
            return "be a tensor", value, TypeError
        if value.dtype not in dtypes:
            return f"be {words}", value.dtype, TypeError
        like = met.like
        if like is not None and floats and value.dtype != like.dtype:
            return f"be {like.dtype} like {met.whose}", value.dtype, TypeError
        if like is not None and value.device != like.device:
            return f"lie on {like.device} like {met.whose}", value.device, ValueError
        shape = value.shape[len(value.shape) - len(last) :] if leading else value.shape
        if len(shape) != len(last) or tuple(map(met.size_of, last, shape)) != shape:
            shown = ", ".join(str(met.size_of(dim, dim)) for dim in dims) + "," * (len(dims) == 1)
            return f"have shape ({shown})", tuple(value.shape), ValueError
        if like is None and floats:
            met.like, met.whose = value, name
        return None

    return rule
