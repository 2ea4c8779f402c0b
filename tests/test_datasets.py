"""The synthetic tasks, the clusters and the folds."""

import cmath
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from helpers import datasets
from helpers.datasets import (
    cluster_batch,
    contiguous_folds,
    generate_batch,
    load_imdb,
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


def test_without_spread_the_points_are_the_centres():
    points = cluster_batch(101, CENTRES, spread=0, generator=generator())
    assert {tuple(point) for point in points.tolist()} == set(map(tuple, CENTRES.tolist()))


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


LABELS = st.lists(st.sampled_from([0, 1, 2]), max_size=41)


@given(LABELS, st.integers(2, 7))
def test_folds_cut_every_class_by_position(labels, folds):
    labels = labels + [0, 1, 2] * folds  # every class often enough
    parts = contiguous_folds(labels, folds)
    assert len(parts) == folds
    assert sorted(i for part in parts for i in part) == list(range(len(labels)))
    assert all(part == sorted(part) for part in parts)
    for label in (0, 1, 2):
        blocks = [[i for i in part if labels[i] == label] for part in parts]
        assert sum(blocks, []) == [i for i, own in enumerate(labels) if own == label]  # noqa: RUF017
        assert max(map(len, blocks)) - min(map(len, blocks)) <= 1


def test_folds_by_hand():
    assert contiguous_folds([0] * 5 + [1] * 4, 2) == [[0, 1, 5, 6], [2, 3, 4, 7, 8]]


def test_labels_may_be_a_tensor_and_any_integers_of_64_bits():
    labels = [-(2**63), 2**63 - 1, -1] * 7
    assert contiguous_folds(torch.tensor(labels), 3) == contiguous_folds(labels, 3)


def test_five_folds_are_the_default():
    labels = [0, 1] * 31
    assert contiguous_folds(labels) == contiguous_folds(labels, 5)


@pytest.mark.parametrize(
    ("call", "names"),
    [
        (lambda rows, columns: generate_batch(rows, columns, V), "batch_size times length"),
        (lambda rows, columns: repeating_batch(rows, columns, V, period=1), "batch_size times len"),
        (
            lambda rows, columns: cluster_batch(rows, torch.zeros(1, columns), spread=1),
            "batch_size times width",
        ),
    ],
    ids=["generate", "repeating", "cluster"],
)
def test_what_would_fill_the_memory_is_refused(monkeypatch, call, names):
    monkeypatch.setattr(datasets, "_MOST_NUMBERS", 1073 * 7)
    assert call(1073, 7).shape == (1073, 7)
    for rows, columns in ((1074, 7), (1073, 8)):
        message = rf"^{names}\S* must be at most 7,511, got {rows} x {columns}$"
        with pytest.raises(ValueError, match=message):
            call(rows, columns)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: generate_batch(0, T, V), ValueError, "batch_size must be at least 1"),
        (lambda: generate_batch(B, 0, V), ValueError, "length must be at least 1"),
        (lambda: generate_batch(B, T, 0), ValueError, "vocab_size must be at least 1"),
        (lambda: generate_batch(B, 2.5, V), TypeError, "length must be an integer"),
        (lambda: generate_batch(B, T, V, generator=3), TypeError, "generator must be a torch.Gen"),
        (lambda: repeating_batch(0, T, V, period=P), ValueError, "^batch_size must be at least 1"),
        (lambda: repeating_batch(B, 0, V, period=P), ValueError, "^length must be at least 1"),
        (lambda: repeating_batch(B, T, V, period=0), ValueError, "period must be at least 1"),
        (lambda: repeating_batch(B, T, V, period=T), ValueError, r"period must be below .*\(13\)"),
        (lambda: reversal_batch(B, T, 1), ValueError, "vocab_size must be at least 2"),
        (lambda: ring_centres(0), ValueError, "modes must be at least 1, got 0"),
        (lambda: ring_centres(2.5), TypeError, r"modes must be an integer, got 2\.5"),
        (lambda: ring_centres(radius=-1), ValueError, "radius must be at least 0 .* got -1"),
        (lambda: ring_centres(radius=math.inf), ValueError, "radius must be .* got inf"),
        (lambda: cluster_batch(0, CENTRES, spread=1), ValueError, "batch_size must be at least 1"),
        (lambda: cluster_batch(B, [[0.0]], spread=1), TypeError, "centres must be a tensor"),
        (
            lambda: cluster_batch(B, CENTRES[:0], spread=1),
            ValueError,
            "centres must hold at least one centre",
        ),
        (
            lambda: cluster_batch(B, CENTRES.long(), spread=1),
            TypeError,
            "centres must hold floating-point numbers, got torch.int64",
        ),
        (
            lambda: cluster_batch(B, CENTRES[0], spread=1),
            ValueError,
            r"centres must have shape \(K, D\), got \(3,\)",
        ),
        (lambda: cluster_batch(B, CENTRES, spread=-0.5), ValueError, r"spread must .* got -0\.5"),
        (lambda: cluster_batch(B, CENTRES, spread=math.nan), ValueError, "spread must .* got nan"),
        (lambda: cluster_batch(B, CENTRES, spread=None), TypeError, "spread must be a number"),
        (
            lambda: cluster_batch(B, CENTRES, spread=1, generator=3),
            TypeError,
            "generator must be a torch.Gen",
        ),
        (
            lambda: cluster_batch(B, CENTRES * math.nan, spread=1),
            ValueError,
            "^centres must ",
        ),
        (
            lambda: cluster_batch(B, CENTRES.half(), spread=1e6),
            ValueError,
            r"^spread must keep the points within torch\.float16, got 1000000\.0$",
        ),
        (lambda: contiguous_folds(7), TypeError, "^labels must be a list of integers, got 7$"),
        (lambda: contiguous_folds([0, 0.5], 2), TypeError, r"^labels\[1\] must be an integer"),
        (
            lambda: contiguous_folds([0, -(2**63) - 1], 2),
            ValueError,
            rf"^labels\[1\] must be at least -{2**63}, got -{2**63 + 1}$",
        ),
        (
            lambda: contiguous_folds(torch.zeros(3, 5, dtype=torch.int64)),
            ValueError,
            r"^labels must have shape \(N,\), got \(3, 5\)$",
        ),
        (
            lambda: contiguous_folds(torch.zeros(7, dtype=torch.int64, device="meta")),
            ValueError,
            "^labels must hold numbers",
        ),
        (
            lambda: contiguous_folds([]),
            ValueError,
            "^labels must hold at least one label, got none$",
        ),
        (lambda: contiguous_folds([0, 1], 1), ValueError, "folds must be at least 2"),
        (lambda: contiguous_folds([0, 0, 1], 2), ValueError, "labels must .* got class 1 1 times"),
        (lambda: load_imdb(split="random"), ValueError, "split must be one of .* got 'random'"),
        (lambda: load_imdb(source="web"), ValueError, "source must be one of .* got 'web'"),
        (lambda: load_imdb(seed=-1), ValueError, "seed must be at least 0"),
        (
            lambda: load_imdb(data_dir="x"),
            ValueError,
            "^data_dir is for source=\"official\" only, got 'x'$",
        ),
        (lambda: load_imdb(source="official", data_dir=3), TypeError, "^data_dir must be "),
        (lambda: load_imdb(source="official", split="shuffled"), ValueError, 'split must be "pos'),
    ],
)
def test_errors_name_the_argument(call, error, message):
    with pytest.raises(error, match=message):
        call()
