"""Draws: that nothing but the generator decides them, and that they are fair."""

from collections.abc import Callable, Iterable

import torch
from torch import Tensor

from tests.torch_reference import generator


def same(some: Iterable[Tensor], others: Iterable[Tensor]) -> bool:
    return all(torch.equal(one, other) for one, other in zip(some, others, strict=True))


def assert_the_generator_decides(draw: Callable[..., Iterable[Tensor]]) -> None:
    """Call ``draw`` with ``generator=`` and without; it may return one tensor or several."""
    before = torch.random.get_rng_state()
    first, again, other = (draw(generator=generator(seed)) for seed in (3, 3, 5))
    assert same(first, again)
    assert not same(first, other)
    assert torch.equal(torch.random.get_rng_state(), before)  # the global state is left alone
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        assert same(first, draw())


def assert_uniform(ids: Tensor, classes: int) -> None:
    """By chi square: its mean is the degrees of freedom, its variance twice that, and five standard
    deviations above the mean are allowed.
    """
    expected, freedom = ids.numel() / classes, classes - 1
    counts = torch.bincount(ids.flatten(), minlength=classes)
    assert ((counts - expected) ** 2 / expected).sum() < freedom + 5 * (2 * freedom) ** 0.5


def assert_independent(ids: Tensor, classes: int) -> None:
    """Uniform, and one says nothing about the next: the pairs are uniform as well."""
    assert_uniform(ids, classes)
    assert_uniform(classes * ids[..., :-1] + ids[..., 1:], classes**2)
