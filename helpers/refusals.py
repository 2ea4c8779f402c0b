"""How a mistake in a call is told: in one sentence, and a traceback that ends where it was made."""

import builtins
import os
import sysconfig
from functools import partial
from types import TracebackType
from typing import Any

import torch
from torch import Tensor

__all__ = ["check_finite", "check_numbers", "has_values", "refusal", "tell_as_called", "told"]

# Where code lies that is not the reader's: Python's, the installed packages', and ours.
NOT_THE_READERS = (*map(sysconfig.get_path, ["stdlib", "purelib"]), os.path.dirname(__file__))


def refusal(name: str, wanted: str, got: object, kind: type[Exception] = ValueError) -> Exception:
    """Return the error that says in one sentence what is wrong with the argument ``name``."""
    text = " ".join((repr(got) if isinstance(got, str) else str(got)).split())
    return told(name, f" must {wanted}, got {text if len(text) <= 60 else f'{text[:57]}...'}", kind)


def told(name: str, rest: str, kind: type[Exception] = ValueError) -> Exception:
    """Return the error that says ``rest`` of the argument ``name``."""
    error = kind(name + rest)
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
        raise refusal(name, "be finite", "nan or inf")


def tell_as_called(error: Exception, given: dict[str, Any]) -> None:
    """Call a tensor, in a refusal that passes by, as it is called among the arguments ``given``."""
    if any(map(_is_readers, _steps(error)[1:])):  # who called it by another name
        return
    name, rest, value = error.refused
    value = given.get(name) if value is None else value
    same = (own for own, one in given.items() if one is value and isinstance(one, Tensor))
    name = next(same, name)
    error.args, error.refused = (name + rest,), (name, rest, value)


def _rendered(error: Exception) -> list[str]:
    """Return what IPython shows of a refusal: the traceback down to the reader's own call."""
    steps = _steps(error)
    while steps and not _is_readers(steps[-1]):
        steps.pop()
    trace = None
    for step in reversed(steps):
        trace = TracebackType(trace, step.tb_frame, step.tb_lasti, step.tb_lineno)
    shell = builtins.get_ipython()
    return shell.InteractiveTB.structured_traceback(type(error), error, trace)


def _steps(error: Exception) -> list[TracebackType]:
    steps, step = [], error.__traceback__
    while step:
        steps.append(step)
        step = step.tb_next
    return steps


def _is_readers(step: TracebackType) -> bool:
    return not step.tb_frame.f_code.co_filename.startswith(NOT_THE_READERS)
