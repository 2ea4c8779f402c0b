"""Generative adversarial networks: two players, their losses, and one step of the game.

Scope: a generator and a discriminator for pictures of 28 by 28 pixels, after DCGAN; the two losses;
the gradient penalty R1; a training step for each player, whatever network it is. Measuring what a
generator makes is in ``helpers.gan_metrics``.

Sources: Goodfellow et al., "Generative Adversarial Nets", 2014, https://arxiv.org/abs/1406.2661;
Radford, Metz, Chintala, "Unsupervised Representation Learning with Deep Convolutional Generative
Adversarial Networks" (DCGAN), 2015, https://arxiv.org/abs/1511.06434; Mescheder, Geiger, Nowozin,
"Which Training Methods for GANs do actually Converge?", 2018, https://arxiv.org/abs/1801.04406.

A discriminator gives *logits* ``a``, one number an example; the probability that it gives to "real"
is ``D = sigmoid(a)``. Losses are computed from logits, because ``log D`` is lost in rounding where
``D`` is 0 or 1.

Networks and losses do not look for nan and do not swallow it: a nan that goes in comes out. A step
stops at a loss that is not finite, before the weights change.

Dimensions: ``B`` batch, ``Z`` latent width.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import Optimizer

from helpers.checks import (
    check_device,
    check_finite,
    check_flag,
    check_floats,
    check_in_range,
    check_int,
    check_module,
)

__all__ = [
    "Discriminator",
    "Generator",
    "discriminator_loss",
    "discriminator_step",
    "generator_loss",
    "generator_step",
    "gradient_penalty",
]

Augmentation = Callable[[Tensor], Tensor]


class Generator(nn.Sequential):
    """Turn noise into pictures: a linear map to 4 by 4 pixels, then three steps upward in size.

    ``forward(z)`` takes ``z`` ``(B, Z)`` and returns ``(B, 1, 28, 28)``, each pixel between 0
    (paper) and 1 (ink).

    Args:
        latent: width ``Z`` of the noise.
        width: channels at 14 by 14; twice as many at 7 by 7, four times as many at 4 by 4.

    Source: the guidelines of DCGAN, section 3, for pictures of 28 by 28. Difference: the last
    function is a sigmoid where DCGAN has tanh, since ink goes from 0 to 1.
    """

    def __init__(self, *, latent: int = 16, width: int = 32) -> None:
        latent, width = check_int("latent", latent), check_int("width", width)
        super().__init__(
            nn.Linear(latent, 4 * width * 4 * 4),
            nn.Unflatten(1, (4 * width, 4, 4)),  # (B, 4 width, 4, 4)
            nn.BatchNorm2d(4 * width),
            nn.ReLU(),
            nn.ConvTranspose2d(4 * width, 2 * width, 3, stride=2, padding=1),  # (B, 2 width, 7, 7)
            nn.BatchNorm2d(2 * width),
            nn.ReLU(),
            nn.ConvTranspose2d(2 * width, width, 4, stride=2, padding=1),  # (B, width, 14, 14)
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.ConvTranspose2d(width, 1, 4, stride=2, padding=1),  # (B, 1, 28, 28)
            nn.Sigmoid(),
        )

    def forward(self, z: Tensor) -> Tensor:
        """Return pictures ``(B, 1, 28, 28)`` for ``z`` of shape ``(B, Z)``, B at least 1."""
        check_floats("z", z, ("B", self[0].in_features), self[0].weight)
        return super().forward(_check_examples("z", z))


class Discriminator(nn.Sequential):
    """Say how real pictures look: the generator's sizes backwards, then one logit.

    ``forward(images)`` takes ``(B, 1, 28, 28)`` and returns logits ``(B,)``.

    Args:
        width: channels at 14 by 14; twice as many at 7 by 7, four times as many at 4 by 4.

    Source: the guidelines of DCGAN, section 3. Difference: there is no batch normalisation, so that
    each picture is judged by itself.
    """

    def __init__(self, *, width: int = 32) -> None:
        width = check_int("width", width)
        super().__init__(
            nn.Conv2d(1, width, 4, stride=2, padding=1),  # (B, width, 14, 14)
            nn.LeakyReLU(0.2),
            nn.Conv2d(width, 2 * width, 4, stride=2, padding=1),  # (B, 2 width, 7, 7)
            nn.LeakyReLU(0.2),
            nn.Conv2d(2 * width, 4 * width, 3, stride=2, padding=1),  # (B, 4 width, 4, 4)
            nn.LeakyReLU(0.2),
            nn.Flatten(),
            nn.Linear(4 * width * 4 * 4, 1),
            nn.Flatten(0),
        )

    def forward(self, images: Tensor) -> Tensor:
        """Return logits ``(B,)`` for ``images`` of shape ``(B, 1, 28, 28)``, B at least 1."""
        check_floats("images", images, ("B", 1, 28, 28), self[0].weight)
        return super().forward(_check_examples("images", images))


def discriminator_loss(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """Return the discriminator's loss: half its cross-entropy on real plus half that on fake.

    ``L_D = -1/2 E[log D(x)] - 1/2 E[log(1 - D(G(z)))]``; ln 2 for a discriminator that says 1/2
    everywhere.

    Args:
        real_logits: ``(B,)``, the discriminator on real examples.
        fake_logits: ``(M,)``, the discriminator on generated ones.

    Source: Goodfellow et al. (2014), equation 1, halved and with the sign of a loss.
    """
    _check_logits("real_logits", real_logits)
    _check_logits("fake_logits", fake_logits)
    check_device("fake_logits", fake_logits, real_logits, "real_logits")
    # -log D = softplus(-a) and -log(1 - D) = softplus(a), without rounding D to 0 or 1.
    return 0.5 * F.softplus(-real_logits).mean() + 0.5 * F.softplus(fake_logits).mean()


def generator_loss(fake_logits: Tensor, *, saturating: bool = False) -> Tensor:
    """Return the generator's loss ``L_G = -1/2 E[log D(G(z))]``; (ln 2) / 2 where ``D`` is 1/2.

    Args:
        fake_logits: ``(B,)``, the discriminator on generated examples.
        saturating: return ``+1/2 E[log(1 - D(G(z)))]`` instead, the loss of the minimax game, whose
            gradient vanishes where the discriminator is sure of a fake.

    Source: Goodfellow et al. (2014), section 3.
    """
    _check_logits("fake_logits", fake_logits)
    if check_flag("saturating", saturating):
        return -0.5 * F.softplus(fake_logits).mean()
    return 0.5 * F.softplus(-fake_logits).mean()


def gradient_penalty(discriminator: nn.Module, real: Tensor) -> Tensor:
    """Return R1: the mean squared length of the logits' gradient at the real examples.

    Args:
        discriminator: gives logits ``(B,)``.
        real: ``(B, ...)`` real examples, as floating-point numbers.

    Returns:
        ``E[|grad_x a(x)|^2]``, a scalar through which gradients flow to the discriminator.

    Raises:
        ValueError: ``real`` holds nan or inf, which the slopes of a network need not show.

    Source: Mescheder et al. (2018), who write it with the factor ``gamma / 2``.
    """
    check_module("discriminator", discriminator)
    check_finite("real", _check_examples("real", real, player=discriminator))
    real = real.detach().requires_grad_()
    logits = _check_logits(_OUTPUT, discriminator(real), len(real))
    (gradient,) = torch.autograd.grad(logits.sum(), real, create_graph=True)  # (B, ...)
    return gradient.flatten(1).square().sum(dim=1).mean()


def discriminator_step(
    discriminator: nn.Module,
    real: Tensor,
    fake: Tensor,
    optimizer: Optimizer,
    *,
    penalty: float = 0.0,
    augment: Augmentation | None = None,
) -> float:
    """Let the discriminator learn once to tell ``real`` from ``fake``.

    Args:
        discriminator: gives logits ``(B,)``.
        real: ``(B, ...)`` real examples.
        fake: ``(M, ...)`` generated examples; no gradient flows back to the generator.
        optimizer: holds the discriminator's parameters.
        penalty: the weight of R1, as in ``penalty / 2 * gradient_penalty(...)``; 0 skips it.
        augment: changes what the discriminator sees, real and fake alike.

    Returns:
        The loss of this step without the penalty, measured before the weights changed.

    Raises:
        FloatingPointError: the loss is not finite; the weights stay as they were.
    """
    penalty = check_in_range("penalty", penalty, 0, math.inf)
    _check_player(discriminator, optimizer, trained=True)
    _check_examples("real", real, player=discriminator)
    _check_examples("fake", fake, real.shape[1:], player=discriminator)
    see = _augmentation(augment)
    real_logits = _check_logits(_OUTPUT, discriminator(see(real)), len(real))
    fake_logits = _check_logits(_OUTPUT, discriminator(see(fake.detach())), len(fake))
    loss = discriminator_loss(real_logits, fake_logits)
    total = loss
    if penalty:
        total = loss + penalty / 2 * gradient_penalty(discriminator, real)
    _update("discriminator", total, optimizer)
    return loss.item()


def generator_step(
    discriminator: nn.Module,
    fake: Tensor,
    optimizer: Optimizer,
    *,
    augment: Augmentation | None = None,
) -> float:
    """Let the generator learn once to have its ``fake`` taken for real.

    Args:
        discriminator: gives logits ``(B,)``; it is asked, and left as it was.
        fake: ``(B, ...)`` examples fresh from the generator, through which gradients flow to it.
        optimizer: holds the generator's parameters.
        augment: as in `discriminator_step`; must let gradients through.

    Returns:
        The loss of this step, measured before the weights changed.

    Raises:
        ValueError: no gradient can flow back through ``fake``.
        FloatingPointError: the loss is not finite; the weights stay as they were.
    """
    _check_player(discriminator, optimizer, trained=False)
    _check_examples("fake", fake, player=discriminator)
    if not fake.requires_grad:
        raise ValueError("fake must come from the generator with its gradients, got none to follow")
    logits = _check_logits(_OUTPUT, discriminator(_augmentation(augment)(fake)), len(fake))
    loss = generator_loss(logits)
    _update("generator", loss, optimizer)
    return loss.item()


# What follows is for this module only.

_OUTPUT = "the discriminator's output"


def _augmentation(augment: Augmentation | None) -> Augmentation:
    """Return ``augment`` with a check of what it gives; None changes nothing."""
    if augment is None:
        return lambda examples: examples
    if not callable(augment):
        raise TypeError(f"augment must be a function or None, got {type(augment).__name__}")
    return lambda examples: _check_examples("what augment returns", augment(examples))


def _update(player: str, loss: Tensor, optimizer: Optimizer) -> None:
    """Take one step down ``loss``; only what ``optimizer`` holds gets gradients and moves."""
    if not loss.isfinite():
        raise FloatingPointError(
            f"the {player}'s loss is {loss.item()}. Likely causes: a learning rate that is too "
            "high, examples that are not finite"
        )
    optimizer.zero_grad(set_to_none=True)
    loss.backward(inputs=[p for group in optimizer.param_groups for p in group["params"]])
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)


def _check_logits(name: str, logits: object, count: int | None = None) -> Tensor:
    """Return ``logits`` if it is a floating-point tensor ``(B,)``, with B = ``count`` if given."""
    logits = check_floats(name, logits, ("B" if count is None else count,))
    if logits.numel() == 0:
        raise ValueError(f"{name} must hold at least one logit, got shape {tuple(logits.shape)}")
    return logits


def _check_examples(
    name: str,
    examples: object,
    shape: torch.Size | None = None,
    player: nn.Module | None = None,
) -> Tensor:
    """Return ``examples`` if it is a floating-point tensor ``(B, ...)``, not empty."""
    examples = check_floats(name, examples, ("...",))
    if examples.dim() < 2 or examples.numel() == 0:
        raise ValueError(
            f"{name} must have shape (B, ...) with B at least 1, got {tuple(examples.shape)}"
        )
    if shape is not None and examples.shape[1:] != shape:
        got = tuple(examples.shape[1:])
        raise ValueError(f"{name} must hold examples of shape {tuple(shape)} like real, got {got}")
    weight = None if player is None else next(player.parameters(), None)
    if weight is not None:
        check_floats(name, examples, ("...",), weight, "the discriminator's weights")
    return examples


def _check_player(discriminator: object, optimizer: object, *, trained: bool) -> None:
    """Check that ``optimizer`` holds parameters of the discriminator exactly if it is to learn."""
    check_module("discriminator", discriminator)
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"optimizer must be a torch optimizer, got {type(optimizer).__name__}")
    own = {id(p) for p in discriminator.parameters()}
    held = any(id(p) in own for group in optimizer.param_groups for p in group["params"])
    if held != trained:
        whose, got = (
            ("the discriminator's", "none of them")
            if trained
            else ("the generator's", "the discriminator's")
        )
        raise ValueError(f"optimizer must hold {whose} parameters, got one that holds {got}")
