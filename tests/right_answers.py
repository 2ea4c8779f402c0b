"""Good arguments for the entries of ``bad_input``, and what is right about the answers of networks.

What nan does. A layer, a network or a loss lets it through: a nan that went in comes out
(`propagates`). What measures or counts turns it away, and a training step stops at it.
"""

import functools
import math

import torch
from torch.testing import assert_close

from bad_input import FLOATS, Entry

B, T, S, D, H, V = 2, 5, 7, 6, 3, 11  # D is a multiple of H, and even
FLOAT = (torch.float32,)
LARGE = 1e6  # numbers beyond may overflow on their way, as in torch


# What good arguments are made of.


def made(make, *args, **options):
    """The same module each time, in evaluation."""
    torch.default_generator.manual_seed(0)
    return make(*args, **options).eval()


def numbers(*shape):
    return torch.rand(shape, generator=torch.Generator().manual_seed(0)) - 0.5


def ids(*shape):
    return torch.arange(math.prod(shape)).reshape(shape) % V


def allowed(*shape):
    """A mask that hides one place, not the last."""
    mask = torch.ones(shape, dtype=torch.bool)
    mask.view(-1)[0] = False
    return mask


# What is right.


def equals(reference):
    """The result is what a plain computation from the same arguments gives."""

    def check(result, given):
        assert_close(torch.as_tensor(result), torch.as_tensor(reference(**given)))

    return check


def small(given):
    """Whether every number that goes in is finite and no larger than LARGE."""
    return all(
        bool((value.detach().abs() <= LARGE).all())
        for value in given.values()
        if isinstance(value, torch.Tensor) and value.is_floating_point() and not value.is_meta
    )


def holds_nan(given):
    return any(
        bool(value.isnan().any())
        for value in given.values()
        if isinstance(value, torch.Tensor) and not value.is_meta
    )


def propagates(result, given):
    """No nan comes out of numbers, and a nan that goes in comes out."""
    if result.is_meta:
        return
    if small(given):
        assert result.isfinite().all()
    if holds_nan(given):
        assert result.isnan().any(), "a nan was swallowed"


def by_example(make, method="forward", *, batched):
    """Each example gets what it gets alone, from a plain copy of it; nan comes through.

    Where large numbers cancel, nothing is said about the digits.
    """

    def check(result, given):
        first = result[0] if isinstance(result, tuple) else result
        assert given.get("need_weights", False) == isinstance(result, tuple)
        propagates(first if first.is_floating_point() else torch.zeros(()), given)
        count = len(given[batched[0]])
        assert len(first) == count
        if first.is_meta or not (small(given) or holds_nan(given)):
            return
        compute = getattr(make(), method)
        for i in range(count):
            alone = {
                name: value[i : i + 1].detach().clone(memory_format=torch.contiguous_format)
                if name in batched and value is not None and (name != "mask" or value.dim() > 2)
                else value
                for name, value in given.items()
            }
            expected = compute(**alone)
            expected = expected[0] if isinstance(expected, tuple) else expected
            assert_close(first[i].detach(), expected[0].detach(), equal_nan=True)

    return check


def built(*inputs, **options):
    """A module that computes numbers from these inputs, with finite weights."""

    def check(module, given):
        module.eval()
        for values in (*module.parameters(), *module.buffers()):
            assert values.is_meta or values.isfinite().all()
        result = module(*inputs, **options)
        assert result.is_meta or result.isfinite().all()

    return check


def tolerance(given):
    half = any(isinstance(x, torch.Tensor) and x.dtype in FLOATS[2:] for x in given.values())
    return {"rtol": 0.05, "atol": 0.05} if half else {"rtol": 1e-4, "atol": 1e-4}


def method(name, make, given, kinds, batched, method="forward", **options):
    """A method of a module, in evaluation, whose examples have nothing to do with each other."""
    make = functools.cache(make)
    return Entry(
        f"{name}.{method}",
        lambda: (getattr(make(), method), given()),
        kinds,
        by_example(make, method, batched=batched),
        **options,
    )
