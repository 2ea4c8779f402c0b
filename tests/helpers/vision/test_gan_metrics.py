"""The measures of a generator: against scipy, against closed forms, and by laws."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import hadamard, sqrtm
from torch.nn import functional as F

from helpers.vision import DigitClassifier, count_by_centre, frechet_distance

B, N, M, WIDTH = 7, 41, 53, 5  # primes, so that a swapped axis cannot hide

seeds = st.integers(0, 2**32 - 1)


def generator(seed=3):
    return torch.Generator().manual_seed(seed)


def sample(seed, count, width):
    """Draw ``count`` examples whose features differ in mean, in scale, and are correlated."""
    drawn = generator(seed)
    noise = torch.randn(count, width, dtype=torch.float64, generator=drawn)
    mixed = noise @ torch.randn(width, width, dtype=torch.float64, generator=drawn)
    return mixed + 3 * torch.randn(width, dtype=torch.float64, generator=drawn)


def close(value, wanted, *, rel=1e-9, scale=1.0):
    """Say whether two distances agree; roots of zero eigenvalues leave some 1e-8 of the scale."""
    return math.isclose(value, wanted, rel_tol=rel, abs_tol=1e-6 * scale)


# ---------------------------------------------------------------------------- the Fréchet distance


def by_the_formula(first, second):
    """Equation 6 of Heusel et al. as it is written, with scipy's square root of a matrix."""
    first, second = first.numpy(), second.numpy()
    covariances = [np.atleast_2d(np.cov(features, rowvar=False)) for features in (first, second)]
    root = sqrtm(covariances[0] @ covariances[1])
    assert np.abs(root.imag).max() < 1e-6
    difference = first.mean(axis=0) - second.mean(axis=0)
    return difference @ difference + np.trace(covariances[0] + covariances[1] - 2 * root.real)


@given(seeds, seeds, st.sampled_from([1, 2, 3, 5, 11]))
def test_the_distance_is_the_formula_of_the_paper(seed, other, width):
    first, second = sample(seed, N, width), sample(other, M, width)
    value = frechet_distance(first, second)
    assert type(value) is float
    assert close(value, by_the_formula(first, second), rel=1e-7)


@given(st.tuples(*[st.integers(-7, 7)] * 2), st.tuples(*[st.integers(0, 11)] * 2))
def test_one_feature_by_hand(means, deviations):
    # mean - s, mean, mean + s: the variance is 2 s^2 / (3 - 1) = s^2, so that the distance is
    # (m1 - m2)^2 + s1^2 + s2^2 - 2 s1 s2 = (m1 - m2)^2 + (s1 - s2)^2.
    first, second = (
        torch.tensor([[mean - s], [mean], [mean + s]], dtype=torch.float64)
        for mean, s in zip(means, deviations, strict=True)
    )
    wanted = (means[0] - means[1]) ** 2 + (deviations[0] - deviations[1]) ** 2
    assert close(frechet_distance(first, second), wanted)


VECTORS = st.lists(st.integers(0, 5), min_size=7, max_size=7)


@given(*[VECTORS] * 4)
def test_uncorrelated_features_add_up(mean_1, mean_2, scale_1, scale_2):
    # The columns of a Hadamard matrix but the first have mean zero and are orthogonal: N rows give
    # the covariance N / (N - 1) times the identity, exactly. A scale of 0 makes a feature constant.
    parts, deviations = [], []
    for rows, mean, scale in ((8, mean_1, scale_1), (16, mean_2, scale_2)):
        scale = torch.tensor(scale, dtype=torch.float64)
        design = torch.from_numpy(hadamard(rows)[:, 1:8]).double()
        parts.append(design * scale + torch.tensor(mean, dtype=torch.float64))
        deviations.append(scale * math.sqrt(rows / (rows - 1)))
    difference = torch.tensor(mean_1) - torch.tensor(mean_2)
    wanted = difference.square().sum() + (deviations[0] - deviations[1]).square().sum()
    assert close(frechet_distance(*parts), wanted.item())


@given(seeds, seeds)
def test_two_examples_of_many_features(seed, other):
    # The covariance of x and y is u u' with u = (x - y) / sqrt 2. The product of u u' and v v' has
    # the one eigenvalue (u . v)^2 that is not zero; that of u u' and any C has u' C u.
    few, fewer = sample(seed, 2, 11), sample(other, 2, 11)
    many = sample(other, N, 11)
    u, v = ((pair[0] - pair[1]) / math.sqrt(2) for pair in (few, fewer))
    covariance = torch.from_numpy(np.cov(many.numpy(), rowvar=False))
    for second, trace, overlap in (
        (fewer, v @ v, (u @ v).abs()),
        (many, covariance.trace(), (u @ covariance @ u).sqrt()),
    ):
        means = (few.mean(dim=0) - second.mean(dim=0)).square().sum()
        wanted = (means + u @ u + trace - 2 * overlap).item()
        assert close(frechet_distance(few, second), wanted, scale=(u @ u + trace).item())


COUNTS = st.sampled_from([2, 3, 17, 41])  # fewer examples than features, and more


@given(seeds, COUNTS)
def test_equal_moments_have_no_distance(seed, count):
    first = sample(seed, count, 5)
    order = torch.randperm(count, generator=generator(seed))
    mirrored = 2 * first.mean(dim=0) - first  # other examples, the same mean and covariance
    scale = first.var(dim=0).sum().item()
    for same in (first, first[order], mirrored):
        value = frechet_distance(first, same)
        assert value >= 0  # and never -1e-16
        assert close(value, 0, scale=scale)


@given(seeds, seeds, COUNTS)
def test_the_distance_is_symmetric(seed, other, count):
    first, second = sample(seed, count, 5), sample(other, M, 5)
    value = frechet_distance(first, second)
    assert value > 0
    assert close(frechet_distance(second, first), value, scale=10)


@given(seeds, seeds, st.sampled_from([-3.0, 0.5, 7.0]))
def test_rotation_and_a_common_shift_change_nothing_and_a_factor_is_squared(seed, other, factor):
    first, second = sample(seed, N, 5), sample(other, M, 5)
    value = frechet_distance(first, second)
    rotation, _ = torch.linalg.qr(sample(seed, 5, 5))
    assert close(frechet_distance(first @ rotation, second @ rotation), value)
    shift = sample(other, 2, 5)[0]
    assert close(frechet_distance(first + shift, second + shift), value)
    assert close(frechet_distance(factor * first, factor * second), factor**2 * value)
    # A shift of one sample alone is all there is between it and the sample.
    assert close(frechet_distance(first, first + shift), (shift @ shift).item())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_any_precision_is_computed_in_float64(dtype):
    # A mean of 1,000 with a deviation of 1 would cost float32 most of its digits.
    first, second = (
        (1000 + torch.randn(count, WIDTH, generator=generator(count))).to(dtype) for count in (N, M)
    )
    assert frechet_distance(first, second) == frechet_distance(first.double(), second.double())


def test_features_are_left_alone_and_may_carry_a_gradient():
    first, second = sample(3, N, WIDTH).requires_grad_(), sample(5, M, WIDTH)
    kept = first.detach().clone(), second.clone()
    assert type(frechet_distance(first, second)) is float
    assert torch.equal(first, kept[0])
    assert torch.equal(second, kept[1])


# --------------------------------------------------------------------------- points around centres

GRID = st.tuples(st.integers(-5, 5), st.integers(-5, 5), st.integers(-5, 5))


@given(
    st.lists(GRID, max_size=41), st.lists(GRID, min_size=1, max_size=5), st.integers(1, 7), seeds
)
def test_a_point_counts_for_its_nearest_centre_if_that_is_near(points, centres, radius, seed):
    # Whole numbers, so that squares of distances are exact and the border is hit.
    counts = count_by_centre(
        torch.tensor(points, dtype=torch.float64).view(-1, 3),
        torch.tensor(centres, dtype=torch.float64),
        radius=radius,
    )
    assert counts.shape == (len(centres),)
    assert counts.dtype == torch.int64
    alone, tied = [0] * len(centres), [0] * len(centres)
    near = 0
    for point in points:
        squares = [
            sum((a - b) ** 2 for a, b in zip(point, centre, strict=True)) for centre in centres
        ]
        least = min(squares)
        if least <= radius**2:
            near += 1
            nearest = [k for k, square in enumerate(squares) if square == least]
            for k in nearest:
                tied[k] += 1
                alone[k] += len(nearest) == 1
    assert counts.sum() == near  # the others are missing, and no point counts twice
    for least, got, most in zip(alone, counts.tolist(), tied, strict=True):
        assert least <= got <= most


def test_centres_in_the_plane_by_hand():
    centres = torch.tensor([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0]])
    points = torch.tensor(
        [[3.0, 4.0], [3.0, 4.5], [9.0, 0.0], [5.25, 0.0], [10.0, -5.0], [6.0, 6.0]]
    )
    # 5 away from the first: on the border; just outside; 1, 4.75 and 5 away from the second; the
    # last one is 7.2 away from the two that are nearest.
    assert count_by_centre(points, centres, radius=5).tolist() == [1, 3, 0]
    assert count_by_centre(points, centres, radius=0.5).tolist() == [0, 0, 0]
    assert count_by_centre(points, centres, radius=1e6).sum() == 6


def test_no_points_reach_no_centre():
    counts = count_by_centre(torch.zeros(0, 2), torch.zeros(3, 2), radius=1)
    assert counts.tolist() == [0, 0, 0]
    assert counts.dtype == torch.int64


# torch.cdist takes a shortcut for more than 25 points, which is exact to the root of the precision.
@pytest.mark.parametrize("count", [7, 101])
def test_how_many_points_there_are_decides_nothing(count):
    centres = torch.tensor([[0.1, 0.7], [1000.0, 1001.0]])
    near = torch.tensor([0.6, 0.7]).expand(count, 2)  # on the border: 0.6 - 0.1 is 0.5 in float32
    assert count_by_centre(near, centres, radius=0.5).tolist() == [count, 0]
    far = torch.tensor([1000.25, 1001.0]).expand(count, 2)
    assert count_by_centre(far, centres, radius=0.25).tolist() == [0, count]


# -------------------------------------------------------------------------------- the classifier


def test_the_classifier_is_the_network_of_its_docstring():
    model = DigitClassifier(d_hidden=13).double()
    images = torch.rand(B, 1, 28, 28, dtype=torch.float64, generator=generator())
    weights = list(model.parameters())
    assert [tuple(weight.shape) for weight in weights] == [
        *((16, 1, 5, 5), (16,), (32, 16, 5, 5), (32,)),
        *((13, 32 * 7 * 7), (13,), (10, 13), (10,)),
    ]
    x = F.max_pool2d(F.conv2d(images, *weights[:2], padding=2).relu(), 2)  # (B, 16, 14, 14)
    x = F.max_pool2d(F.conv2d(x, *weights[2:4], padding=2).relu(), 2)  # (B, 32, 7, 7)
    wanted = F.linear(x.reshape(B, -1), *weights[4:6]).relu()  # (B, F)
    features = model.features(images)
    assert features.shape == (B, 13)
    torch.testing.assert_close(features, wanted)
    logits = model(images)
    assert logits.shape == (B, 10)
    assert torch.equal(logits, model.head(features))
    torch.testing.assert_close(logits, wanted @ weights[6].T + weights[7])


def test_each_picture_is_named_by_itself():
    model = DigitClassifier().double()
    images = torch.rand(B, 1, 28, 28, dtype=torch.float64, generator=generator())
    together = model(images)
    alone = torch.cat([model(image.unsqueeze(0)) for image in images])
    torch.testing.assert_close(together, alone)
    assert model.features(images).shape == (B, 32)  # the default
