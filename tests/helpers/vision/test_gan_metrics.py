"""The measures of a generator: against scipy, against closed forms, and by laws."""

import math

import numpy as np
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from scipy.linalg import sqrtm
from torch.nn import functional as F

from helpers.vision import DigitClassifier, count_by_centre, frechet_distance
from tests.torch_reference import generator

B, N, M, WIDTH = 7, 41, 53, 5  # primes, so that a swapped axis cannot hide

seeds = st.integers(0, 2**32 - 1)


def sample(seed, count, width):
    """Draw ``count`` examples whose features differ in mean, in scale, and are correlated."""
    drawn = generator(seed)
    noise = torch.randn(count, width, dtype=torch.float64, generator=drawn)
    mixed = noise @ torch.randn(width, width, dtype=torch.float64, generator=drawn)
    return mixed + 3 * torch.randn(width, dtype=torch.float64, generator=drawn)


def close(value, wanted, *, rel=1e-9, scale=1.0):
    """Say whether two distances agree; roots of zero eigenvalues leave some 1e-8 of the scale."""
    return math.isclose(value, wanted, rel_tol=rel, abs_tol=1e-6 * scale)


def by_the_formula(first, second):
    """Equation 6 of Heusel et al. as it is written, with scipy's square root of a matrix."""
    first, second = first.numpy(force=True), second.numpy()
    covariances = [np.atleast_2d(np.cov(features, rowvar=False)) for features in (first, second)]
    root = sqrtm(covariances[0] @ covariances[1])
    assert np.abs(root.imag).max() < 1e-6
    difference = first.mean(axis=0) - second.mean(axis=0)
    return difference @ difference + np.trace(covariances[0] + covariances[1] - 2 * root.real)


@given(seeds, seeds, st.sampled_from([1, 2, 3, 5, 11]))
def test_the_distance_is_the_formula_of_the_paper(seed, other, width):
    first, second = sample(seed, N, width), sample(other, M, width)
    value = frechet_distance(first.requires_grad_(), second)  # which they may carry
    assert type(value) is float
    assert close(value, by_the_formula(first, second), rel=1e-7)


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
        for pair in ((few, second), (second, few)):
            assert close(frechet_distance(*pair), wanted, scale=(u @ u + trace).item())


@given(seeds, st.sampled_from([2, 3, 17, 41]))  # fewer examples than features, and more
def test_equal_moments_have_no_distance(seed, count):
    first = sample(seed, count, 5)
    order = torch.randperm(count, generator=generator(seed))
    mirrored = 2 * first.mean(dim=0) - first  # other examples, the same mean and covariance
    scale = first.var(dim=0).sum().item()
    for same in (first, first[order], mirrored):
        value = frechet_distance(first, same)
        assert value >= 0  # and never -1e-16
        assert close(value, 0, scale=scale)


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


GRID = st.tuples(st.integers(-5, 5), st.integers(-5, 5), st.integers(-5, 5))


@given(st.lists(GRID, max_size=41), st.lists(GRID, min_size=1, max_size=5), st.integers(1, 7))
@example([], [(0, 0, 0)] * 3, 1)
def test_a_point_counts_for_its_nearest_centre_if_that_is_near(points, centres, radius):
    # Whole numbers, so that squares of distances are exact and the border is hit.
    points = torch.tensor(points, dtype=torch.float64).view(-1, 3)
    centres = torch.tensor(centres, dtype=torch.float64)
    counts = count_by_centre(points, centres, radius=radius)
    assert counts.shape == (len(centres),)
    assert counts.dtype == torch.int64
    squares = (points[:, None] - centres).square().sum(dim=2)  # (N, K)
    least = squares.amin(dim=1, keepdim=True)
    nearest = (squares == least) & (least <= radius**2)
    alone = nearest & (nearest.sum(dim=1, keepdim=True) == 1)
    assert counts.sum() == nearest.any(dim=1).sum()  # others are missing, and none counts twice
    assert (alone.sum(dim=0) <= counts).all()
    assert (counts <= nearest.sum(dim=0)).all()


# torch.cdist takes a shortcut for more than 25 points, which is exact to the root of the precision.
@pytest.mark.parametrize("count", [7, 101])
def test_how_many_points_there_are_decides_nothing(count):
    centres = torch.tensor([[0.1, 0.7], [1000.0, 1001.0]])
    near = torch.tensor([0.6, 0.7]).expand(count, 2)  # on the border: 0.6 - 0.1 is 0.5 in float32
    assert count_by_centre(near, centres, radius=0.5).tolist() == [count, 0]
    far = torch.tensor([1000.25, 1001.0]).expand(count, 2)
    assert count_by_centre(far, centres, radius=0.25).tolist() == [0, count]


def test_the_classifier_is_the_network_of_its_docstring():
    model = DigitClassifier(d_hidden=13).double()
    images = torch.rand(B, 1, 28, 28, dtype=torch.float64, generator=generator(3))
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
    assert DigitClassifier().head.in_features == 32  # the default
