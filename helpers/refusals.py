"""How a mistake in a call is told: in one sentence, and a traceback that ends where it was made."""

import builtins
import os
import sysconfig
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from types import TracebackType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

# Where code lies that is not the reader's: Python's, the installed packages', and ours.
NOT_THE_READERS = (*map(sysconfig.get_path, ["stdlib", "purelib"]), os.path.dirname(__file__))

KINDS = {  # how to say what was expected
    int: "an integer",
    float | int: "a number",
    bool: "True or False",
    str: "a text",
    type(None): "None",
    Callable: "a function",
    Collection: "a list",
    Iterable: "a list or a generator",
    Mapping: "a dict",
    Sequence: "a list",
    np.ndarray: "a NumPy array",
    nn.Module: "a torch.nn.Module",
    torch.Generator: "a torch.Generator, such as torch.Generator().manual_seed(0)",
}


def refusal(name: str, wanted: str, got: object, kind: type[Exception] = ValueError) -> Exception:
    """Return the error that says in one sentence what is wrong with the argument ``name``."""
    text = " ".join((repr(got) if isinstance(got, str | np.ndarray) else str(got)).split())
    return told(name, f" must {wanted}, got {text if len(text) <= 60 else f'{text[:57]}...'}", kind)


def told(name: str, rest: str, kind: type[Exception] = ValueError) -> Exception:
    """Return the error that says ``rest`` of the argument ``name``."""
    error: Any = kind(name + rest)  # no class declares what is put on it here
    error.refused = name, rest, None
    error._render_traceback_ = partial(_rendered, error)  # IPython calls it
    return error


def has_values(tensor: Tensor) -> bool:
    """Whether there are numbers to look at: not while torch compiles or maps a function."""
    compiling = torch.compiler.is_compiling()
    return not (compiling or torch._C._functorch.is_functorch_wrapped_tensor(tensor))


def check_numbers(name: str, numbers: Tensor, low: int, high: int | None = None) -> None:
    """Refuse integers below ``low`` or above ``high``, and a tensor that holds none."""
    if numbers.numel() == 0:
        raise refusal(name, "hold at least one number", tuple(numbers.shape))
    if not has_values(numbers):
        return
    wanted = f"be at least {low}" if high is None else f"lie in {low}..{high}"
    least, most = int(numbers.min()), int(numbers.max())
    if least < low:
        raise refusal(name, wanted, least)
    if high is not None and most > high:
        raise refusal(name, wanted, most)


def check_finite(name: str, numbers: Tensor) -> None:
    """Refuse a tensor that holds nan or inf."""
    if not numbers.isfinite().all():
        raise refusal(name, "be finite", numbers[~numbers.isfinite()][0].item())


def tell_as_called(error: Any, given: dict[str, Any]) -> None:
    """Call a tensor, in a refusal that passes by, as it is called among the arguments ``given``."""
    if any(map(_is_readers, _steps(error)[1:])):  # who called it by another name
        return
    name, rest, value = error.refused
    value = given.get(name) if value is None else value
    if isinstance(value, Tensor) and given.get(name) is not value:
        name = next((own for own, one in given.items() if one is value), name)
    error.args, error.refused = (name + rest,), (name, rest, value)


def _rendered(error: Exception) -> list[str]:
    """Return what IPython shows of a refusal: the reader's own lines of the traceback."""
    trace = None
    for step in filter(_is_readers, reversed(_steps(error))):
        trace = TracebackType(trace, step.tb_frame, step.tb_lasti, step.tb_lineno)
    shell = vars(builtins)["get_ipython"]()
    return shell.InteractiveTB.structured_traceback(type(error), error, trace, tb_offset=0)


def _steps(error: Exception) -> list[TracebackType]:
    steps, step = [], error.__traceback__
    while step:
        steps.append(step)
        step = step.tb_next
    return steps


def _is_readers(step: TracebackType) -> bool:
    return not step.tb_frame.f_code.co_filename.startswith(NOT_THE_READERS)
