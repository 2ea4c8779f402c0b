"""The synthetic tasks and the clusters."""

import cmath
import math

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

B, T, V, P = 7, 13, 11, 5  # primes, so that a swapped axis cannot hide


def generator(seed=3):
    return torch.Generator().manual_seed(seed)


TASKS = pytest.mark.parametrize(
    "task",
    [
        lambda g: (generate_batch(B, T, V, generator=g),),
        lambda g: (repeating_batch(B, T, V, period=P, generator=g),),
        lambda g: reversal_batch(B, T, V, generator=g),
    ],
    ids=["generate", "repeating", "reversal"],
)


@TASKS
def test_batches_have_the_shape_and_range_asked_for(task):
    for batch in task(generator()):
        assert batch.shape == (B, T)
        assert batch.dtype == torch.int64
        assert batch.min() >= 0
        assert batch.max() < V


@TASKS
def test_batches_depend_on_the_generator_alone(task):
    before = torch.random.get_rng_state()
    first, again, other = task(generator(3)), task(generator(3)), task(generator(5))
    assert all(map(torch.equal, first, again))
    assert not torch.equal(first[0], other[0])
    assert torch.equal(torch.random.get_rng_state(), before)  # the global state is left alone


def test_without_a_generator_the_global_seed_decides():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        drawn = generate_batch(B, T, V)
    assert torch.equal(drawn, generate_batch(B, T, V, generator=generator(3)))


def chi_square(ids, classes):
    counts = torch.bincount(ids.flatten(), minlength=classes).double()
    expected = ids.numel() / classes
    return float(((counts - expected) ** 2 / expected).sum())


def test_random_tokens_are_uniform():
    ids = generate_batch(1009, 31, 101, generator=generator())
    # 100 degrees of freedom: mean 100, standard deviation sqrt(200) = 14.1; five of them above.
    assert chi_square(ids, 101) < 171
    # And one token says nothing about the next: the pairs are uniform as well (120 degrees).
    ids = generate_batch(1009, 31, 11, generator=generator())
    assert chi_square(11 * ids[:, :-1] + ids[:, 1:], 121) < 120 + 5 * 240**0.5


def test_symbols_to_reverse_are_uniform_and_never_the_start_token():
    src, _, _ = reversal_batch(1009, 31, 11, generator=generator())
    assert src.min() == 1
    assert chi_square(src - 1, 10) < 9 + 5 * 18**0.5


SIZES = st.tuples(st.integers(1, 7), st.integers(2, 13), st.integers(2, 11))


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
    batch_size, length, vocab_size = sizes
    src, tgt_in, tgt_out = reversal_batch(batch_size, length, vocab_size, generator=generator())
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
    diagonal = math.sqrt(2)
    wanted = [[2, 0], [diagonal, diagonal], [0, 2], [-diagonal, diagonal]]
    wanted += [[-x, -y] for x, y in wanted]  # the other half of the octagon, through the origin
    torch.testing.assert_close(ring_centres(), torch.tensor(wanted), rtol=0, atol=1e-6)


def test_centres_have_the_default_dtype():
    try:
        torch.set_default_dtype(torch.float64)
        centres = ring_centres(3, radius=7)
    finally:
        torch.set_default_dtype(torch.float32)
    assert centres.dtype == torch.float64
    # Computed in it, too: the second corner of three is at -1/2 and half the root of 3.
    assert centres[1].tolist() == pytest.approx([-3.5, 3.5 * 3**0.5], rel=1e-14)


# Far enough apart that every point shows which centre it was drawn around.
CENTRES = torch.tensor([[0.0, 0, 0], [100, 0, 0], [0, 100, 0], [0, 0, 100], [100, 100, 100]])


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
def test_clusters_have_the_shape_and_dtype_of_their_centres(dtype):
    centres = CENTRES.to(dtype)
    points = cluster_batch(B, centres, spread=0.5, generator=generator())
    assert points.shape == (B, 3)
    assert points.dtype == dtype
    assert torch.equal(centres, CENTRES.to(dtype))


def test_the_scatter_has_all_digits_of_the_dtype():
    origin = torch.zeros(1, 3, dtype=torch.float64)
    points = cluster_batch(B, origin, spread=1, generator=generator())
    assert (points != points.float()).all()


def test_clusters_depend_on_the_generator_alone():
    before = torch.random.get_rng_state()
    first, again, other = (
        cluster_batch(B, CENTRES, spread=0.5, generator=generator(seed)) for seed in (3, 3, 5)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(torch.random.get_rng_state(), before)  # the global state is left alone
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        assert torch.equal(cluster_batch(B, CENTRES, spread=0.5), first)


def test_almost_without_spread_the_points_are_the_centres():
    points = cluster_batch(101, CENTRES, spread=1e-9, generator=generator()).round()
    assert {tuple(point) for point in points.tolist()} == set(map(tuple, CENTRES.tolist()))


def test_clusters_swallow_no_nan():
    centres = torch.tensor([[0.0, torch.nan]])
    points = cluster_batch(B, centres, spread=0.5, generator=generator())
    assert points.isnan().tolist() == [[False, True]] * B


def test_points_are_normal_around_centres_that_are_equally_likely():
    count, spread = 10_007, 0.75
    centres = CENTRES.double()
    points = cluster_batch(count, centres, spread=spread, generator=generator())
    chosen = torch.cdist(points, centres).argmin(dim=1)  # (B,)
    # 4 degrees of freedom: mean 4, variance 8; five standard deviations above.
    assert chi_square(chosen, 5) < 4 + 5 * 8**0.5
    # And a choice says nothing about the next one: 24 degrees of freedom.
    assert chi_square(5 * chosen[:-1] + chosen[1:], 25) < 24 + 5 * 48**0.5
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
