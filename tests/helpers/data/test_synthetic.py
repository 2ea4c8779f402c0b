"""The synthetic tasks and the clusters."""

import cmath
import math
from functools import partial

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from helpers.data import (
    cluster_batch,
    generate_batch,
    repeating_batch,
    reversal_batch,
    ring_centres,
)
from tests.helpers.data.draws import (
    assert_independent,
    assert_the_generator_decides,
    assert_uniform,
    generator,
)

B, T, V, P = 7, 13, 11, 5  # primes, so that a swapped axis cannot hide
SIZES = st.tuples(st.integers(1, 7), st.integers(2, 13), st.integers(2, 11))


@pytest.mark.parametrize(
    "task",
    [
        lambda **options: [generate_batch(B, T, V, **options)],
        lambda **options: [repeating_batch(B, T, V, period=P, **options)],
        lambda **options: reversal_batch(B, T, V, **options),
    ],
    ids=["generate", "repeating", "reversal"],
)
def test_batches_have_the_shape_and_range_asked_for_and_the_generator_decides(task):
    for batch in task(generator=generator()):
        assert batch.shape == (B, T)
        assert batch.dtype == torch.int64
        assert batch.min() >= 0
        assert batch.max() < V
    assert_the_generator_decides(task)


def test_random_tokens_are_uniform_and_say_nothing_about_the_next():
    assert_uniform(generate_batch(1009, 31, 101, generator=generator()), 101)
    assert_independent(generate_batch(1009, 31, 11, generator=generator()), 11)


def test_symbols_to_reverse_are_uniform_and_never_the_start_token():
    src, _, _ = reversal_batch(1009, 31, 11, generator=generator())
    assert src.min() == 1
    assert_uniform(src - 1, 10)


@given(SIZES, st.data())
def test_the_pattern_repeats(sizes, data):
    batch_size, length, vocab_size = sizes
    period = data.draw(st.integers(1, length - 1))
    batch = repeating_batch(batch_size, length, vocab_size, period=period, generator=generator())
    assert batch.shape == (batch_size, length)
    assert torch.equal(batch[:, period:], batch[:, :-period])


def test_every_row_has_a_pattern_of_its_own_that_repeats_no_sooner():
    batch = repeating_batch(B, T, 997, period=P, generator=generator())
    assert len({tuple(row) for row in batch.tolist()}) == B
    assert all(len(set(row)) == P for row in batch.tolist())


@given(SIZES)
def test_the_target_is_the_source_reversed_and_the_input_the_target_shifted(sizes):
    src, tgt_in, tgt_out = reversal_batch(*sizes, generator=generator())
    for row, given_row, wanted in zip(src.tolist(), tgt_in.tolist(), tgt_out.tolist(), strict=True):
        assert wanted == row[::-1]
        assert given_row == [0, *wanted[:-1]]


@given(st.integers(1, 31), st.floats(0.01, 100))
def test_centres_on_a_ring_are_the_corners_of_a_regular_polygon(modes, radius):
    centres = ring_centres(modes, radius=radius)
    assert centres.shape == (modes, 2)
    assert centres.dtype == torch.float32
    assert centres[0].tolist() == pytest.approx([radius, 0])
    # As complex numbers of length 1 they are the roots of z^modes = 1, anticlockwise.
    for index, (x, y) in enumerate(centres.tolist()):
        wanted = radius * cmath.exp(2j * math.pi * index / modes)
        assert abs(complex(x, y) - wanted) < 1e-5 * radius


def test_eight_centres_two_away_from_the_origin_are_the_default():
    assert torch.equal(ring_centres(), ring_centres(8, radius=2))


@pytest.mark.usefixtures("float64")
def test_centres_are_computed_in_the_default_dtype():
    centres = ring_centres(3, radius=7)
    assert centres.dtype == torch.float64
    # The second corner of three is at -1/2 and half the root of 3.
    assert centres[1].tolist() == pytest.approx([-3.5, 3.5 * 3**0.5], rel=1e-14)


# Far enough apart that every point shows which centre it was drawn around.
CENTRES = torch.tensor([[0.0, 0, 0], [100, 0, 0], [0, 100, 0], [0, 0, 100], [100, 100, 100]])


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
def test_clusters_have_the_shape_and_dtype_of_their_centres_and_the_generator_decides(dtype):
    centres = CENTRES.to(dtype)
    points = cluster_batch(B, centres, spread=0.5, generator=generator())
    assert points.shape == (B, 3)
    assert points.dtype == dtype
    assert torch.equal(centres, CENTRES.to(dtype))
    assert_the_generator_decides(partial(cluster_batch, B, centres, spread=0.5))


def test_the_scatter_has_all_digits_of_the_dtype():
    origin = torch.zeros(1, 3, dtype=torch.float64)
    points = cluster_batch(B, origin, spread=1, generator=generator())
    assert (points != points.float()).all()


def test_points_are_normal_around_centres_that_are_equally_likely():
    count, spread = 10_007, 0.75
    centres = CENTRES.double()
    points = cluster_batch(count, centres, spread=spread, generator=generator())
    chosen = torch.cdist(points, centres).argmin(dim=1)  # (B,)
    assert_independent(chosen, 5)
    noise = (points - centres[chosen]) / spread  # (B, D), standard normal
    for own in [noise, *(noise[chosen == index] for index in range(5))]:
        # Standard errors: of a mean 1 / sqrt N, of a mean of squares sqrt(2 / N), of a mean of
        # fourth powers, which is 3, sqrt((105 - 9) / N), of a mean of products 1 / sqrt N.
        error = len(own) ** -0.5
        assert own.mean(dim=0).abs().max() < 5 * error
        assert (own.square().mean(dim=0) - 1).abs().max() < 5 * 2**0.5 * error
        assert (own.pow(4).mean(dim=0) - 3).abs().max() < 5 * 96**0.5 * error
        products = own.T @ own / len(own)
        assert products.triu(1).abs().max() < 5 * error
