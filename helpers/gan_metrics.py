"""How good is a generator? Measures of samples, in place of admiration.

Scope: the Fréchet distance between two sets of features, a small classifier of digits whose
features serve for it, and a count of the modes that points in the plane reach.

Both measures turn nan away; the classifier lets it through, as every network here.

The distance has the scale of the features. Distances from two different networks, such as the
published ones in the features of Inception, cannot be compared.

Source: Heusel et al., "GANs Trained by a Two Time-Scale Update Rule Converge to a Local Nash
Equilibrium", 2017, https://arxiv.org/abs/1706.08500.

Dimensions: ``B`` batch, ``N`` and ``M`` examples, ``F`` features, ``K`` centres.
"""

import torch
from torch import Tensor, nn

from helpers.checks import (
    check_device,
    check_finite,
    check_floats,
    check_in_range,
    check_int,
    check_tensor,
)

__all__ = ["DigitClassifier", "count_by_centre", "frechet_distance"]


class DigitClassifier(nn.Module):
    """A small convolutional network that names digits; its last hidden layer gives the features.

    ``forward(images)`` takes ``(B, 1, 28, 28)`` and returns logits ``(B, 10)``.

    Args:
        features: width ``F`` of the last hidden layer.
    """

    def __init__(self, *, features: int = 32) -> None:
        super().__init__()
        features = check_int("features", features)
        self.body = nn.Sequential(
            nn.Conv2d(1, 16, 5, padding=2),  # (B, 16, 28, 28)
            nn.ReLU(),
            nn.MaxPool2d(2),  # (B, 16, 14, 14)
            nn.Conv2d(16, 32, 5, padding=2),  # (B, 32, 14, 14)
            nn.ReLU(),
            nn.MaxPool2d(2),  # (B, 32, 7, 7)
            nn.Flatten(),
            nn.Linear(32 * 7 * 7, features),
            nn.ReLU(),
        )
        self.head = nn.Linear(features, 10)

    def features(self, images: Tensor) -> Tensor:
        """Return the features ``(B, F)`` of ``images`` ``(B, 1, 28, 28)``."""
        return self.body(check_floats("images", images, ("B", 1, 28, 28), self.head.weight))

    def forward(self, images: Tensor) -> Tensor:
        """Return logits ``(B, 10)`` for ``images`` ``(B, 1, 28, 28)``."""
        return self.head(self.features(images))


def frechet_distance(first: Tensor, second: Tensor) -> float:
    """Return the squared Fréchet distance between the normal distributions fitted to two samples.

    ``|m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2))`` with means ``m`` and covariances ``C`` (divided
    by ``N - 1``), computed in float64. It is zero exactly when means and covariances agree, and
    symmetric. Small samples make it too large: compare only distances of samples of equal size.

    Args:
        first: ``(N, F)`` features, one row an example, at least two.
        second: ``(M, F)`` features.

    Returns:
        The distance, in squared units of the features, not below zero.

    Raises:
        TypeError: not a tensor of floating-point numbers.
        ValueError: the widths differ, fewer than two examples, or a number that is not finite or
            too large to be squared.

    Source: Heusel et al. (2017); Dowson and Landau, "The Fréchet distance between
    multivariate normal distributions", Journal of Multivariate Analysis 12(3), 1982.
    """
    mean_1, covariance_1 = _moments("first", first)
    mean_2, covariance_2 = _moments("second", second)
    if mean_1.shape != mean_2.shape:
        raise ValueError(
            f"second must have as many features as first ({len(mean_1)}), got {len(mean_2)}"
        )
    # C1 C2 has the same eigenvalues as the symmetric R C2 R, where R is the square root of C1.
    values, vectors = torch.linalg.eigh(covariance_1)
    root = vectors * values.clamp(min=0).sqrt() @ vectors.T
    eigenvalues = torch.linalg.eigvalsh(root @ covariance_2 @ root)
    overlap = eigenvalues.clamp(min=0).sqrt().sum()
    distance = (
        (mean_1 - mean_2).square().sum() + covariance_1.trace() + covariance_2.trace() - 2 * overlap
    )
    return max(distance.item(), 0.0)


def count_by_centre(points: Tensor, centres: Tensor, *, radius: float) -> Tensor:
    """Count the points that lie within ``radius`` of each centre; a point counts for its nearest.

    Args:
        points: ``(N, F)``.
        centres: ``(K, F)``.
        radius: the largest distance that counts, at least 0.

    Returns:
        Counts ``(K,)``, int64. What is missing to ``N`` lies near no centre.

    Raises:
        TypeError: not tensors of the same floating-point dtype, float32 or float64.
        ValueError: there is no centre, the widths differ, or a number is not finite.
    """
    count, width = check_tensor("centres", centres, ("K", "F")).shape
    check_tensor("points", points, ("N", "F"))
    radius = check_in_range("radius", radius, 0, float("inf"))
    if count == 0:
        raise ValueError(f"centres must hold at least one centre, got shape {tuple(centres.shape)}")
    if not centres.is_floating_point() or points.dtype != centres.dtype:
        raise TypeError(
            "points and centres must have one floating-point dtype, "
            f"got {points.dtype} and {centres.dtype}"
        )
    if points.dtype not in (torch.float32, torch.float64):
        raise TypeError(f"points and centres must be float32 or float64, got {points.dtype}")
    check_finite("centres", check_device("centres", centres, points, "points"))
    check_finite("points", points)
    check_tensor("points", points, ("N", width))
    # Without the matrix products that torch takes for many points, which lose digits.
    exact = "donot_use_mm_for_euclid_dist"
    distances, nearest = torch.cdist(points, centres, compute_mode=exact).min(dim=1)  # (N,), (N,)
    return nearest[distances <= radius].bincount(minlength=len(centres))


def _moments(name: str, features: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean (F,) and covariance (F, F) of features in float64."""
    check_floats(name, features, ("N", "F"))
    if features.shape[0] < 2 or features.shape[1] < 1:
        raise ValueError(
            f"{name} must hold at least two examples of at least one feature, "
            f"got shape {tuple(features.shape)}"
        )
    features = check_finite(name, features).detach().double()
    mean, covariance = features.mean(dim=0), torch.atleast_2d(torch.cov(features.T))
    if not covariance.isfinite().all():
        raise ValueError(f"{name} must hold numbers whose squares are finite, got larger ones")
    return mean, covariance
