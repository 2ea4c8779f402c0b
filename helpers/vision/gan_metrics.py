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
from jaxtyping import Float, Int
from torch import Tensor, nn

from helpers.contracts import NotNegative, Size, guard
from helpers.refusals import check_finite, refusal

__all__ = ["DigitClassifier", "count_by_centre", "frechet_distance"]


class DigitClassifier(nn.Module):
    """A small convolutional network that names digits; its last hidden layer gives the features.

    Args:
        d_hidden: width ``F`` of the last hidden layer.
    """

    def __init__(self, *, d_hidden: Size = 32) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, 16, 5, padding=2),  # (B, 16, 28, 28)
            nn.ReLU(),
            nn.MaxPool2d(2),  # (B, 16, 14, 14)
            nn.Conv2d(16, 32, 5, padding=2),  # (B, 32, 14, 14)
            nn.ReLU(),
            nn.MaxPool2d(2),  # (B, 32, 7, 7)
            nn.Flatten(),
            nn.Linear(32 * 7 * 7, d_hidden),
            nn.ReLU(),
        )
        self.head = nn.Linear(d_hidden, 10)

    def features(self, images: Float[Tensor, "B 1 28 28"]) -> Float[Tensor, "B F"]:
        """Return the features of pictures."""
        return self.body(images)

    def forward(self, images: Float[Tensor, "B 1 28 28"]) -> Float[Tensor, "B 10"]:
        """Return logits for pictures."""
        return self.head(self.features(images))


def frechet_distance(first: Float[Tensor, "N F"], second: Float[Tensor, "M F"]) -> float:
    """Return the squared Fréchet distance between the normal distributions fitted to two samples.

    ``|m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2))`` with means ``m`` and covariances ``C`` (divided
    by ``N - 1``), computed in float64. It is zero exactly when means and covariances agree, and
    symmetric. Small samples make it too large: compare only distances of samples of equal size.

    Each row is an example, of which there must be two. The distance is in squared units of the
    features.

    Source: Heusel et al. (2017); Dowson and Landau, "The Fréchet distance between
    multivariate normal distributions", Journal of Multivariate Analysis 12(3), 1982.
    """
    mean_1, covariance_1 = _moments("first", first)
    mean_2, covariance_2 = _moments("second", second)
    # C1 C2 has the same eigenvalues as the symmetric R C2 R, where R is the square root of C1.
    values, vectors = torch.linalg.eigh(covariance_1)
    root = vectors * values.clamp(min=0).sqrt() @ vectors.T
    eigenvalues = torch.linalg.eigvalsh(root @ covariance_2 @ root)
    overlap = eigenvalues.clamp(min=0).sqrt().sum()
    distance = (
        (mean_1 - mean_2).square().sum() + covariance_1.trace() + covariance_2.trace() - 2 * overlap
    )
    return max(distance.item(), 0.0)


def count_by_centre(
    points: Float[Tensor, "N F"], centres: Float[Tensor, "K F"], *, radius: NotNegative
) -> Int[Tensor, " K"]:
    """Count the points that lie within ``radius`` of each centre; a point counts for its nearest.

    What the counts miss of ``N`` lies near no centre. A point at nan or inf would lie nowhere, and
    is refused.

    Args:
        radius: the largest distance that counts.
    """
    check_finite("points", points)
    check_finite("centres", centres)
    # Without the matrix products that torch takes for many points, which lose digits.
    exact = "donot_use_mm_for_euclid_dist"
    distances, nearest = torch.cdist(points, centres, compute_mode=exact).min(dim=1)  # (N,), (N,)
    return nearest[distances <= radius].bincount(minlength=len(centres))


def _moments(name: str, features: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean (F,) and covariance (F, F) of features in float64."""
    check_finite(name, features)
    if len(features) < 2:
        raise refusal(name, "hold at least two examples", len(features))
    features = features.detach().double()
    return features.mean(dim=0), torch.atleast_2d(torch.cov(features.T))


guard(globals())
