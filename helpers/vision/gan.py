"""Generative adversarial networks: two players, their losses, and one step of the game.

Scope: a generator and a discriminator for pictures of 28 by 28 pixels, after DCGAN; the two losses;
the gradient penalty R1; a training step for each player, whatever network it is. Measuring what a
generator makes is in ``gan_metrics``.

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

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import Optimizer

from helpers.contracts import NotNegative, Size, guard
from helpers.refusals import check_finite, refusal, told

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
Examples = Float[Tensor, "..."]


class Generator(nn.Sequential):
    """Turn noise into pictures: a linear map to 4 by 4 pixels, then three steps upward in size.

    Each pixel lies between 0 (paper) and 1 (ink).

    Args:
        latent: width ``Z`` of the noise.
        width: channels at 14 by 14; twice as many at 7 by 7, four times as many at 4 by 4.

    Source: the guidelines of DCGAN, section 3, for pictures of 28 by 28. Difference: the last
    function is a sigmoid where DCGAN has tanh, since ink goes from 0 to 1.
    """

    def __init__(self, *, latent: Size = 16, width: Size = 32) -> None:
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
        self.latent = latent

    def forward(self, z: Float[Tensor, "B {self.latent}"]) -> Float[Tensor, "B 1 28 28"]:
        """Return a picture for each row of noise."""
        return super().forward(z)


class Discriminator(nn.Sequential):
    """Say how real pictures look: the generator's sizes backwards, then one logit.

    Args:
        width: channels at 14 by 14; twice as many at 7 by 7, four times as many at 4 by 4.

    Source: the guidelines of DCGAN, section 3. Difference: there is no batch normalisation, so that
    each picture is judged by itself.
    """

    def __init__(self, *, width: Size = 32) -> None:
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

    def forward(self, images: Float[Tensor, "B 1 28 28"]) -> Float[Tensor, " B"]:
        """Return a logit for each picture."""
        return super().forward(images)


def discriminator_loss(
    real_logits: Float[Tensor, " B"], fake_logits: Float[Tensor, " M"]
) -> Float[Tensor, ""]:
    """Return the discriminator's loss: half its cross-entropy on real plus half that on fake.

    ``L_D = -1/2 E[log D(x)] - 1/2 E[log(1 - D(G(z)))]``; ln 2 for a discriminator that says 1/2
    everywhere.

    Source: Goodfellow et al. (2014), equation 1, halved and with the sign of a loss.
    """
    # -log D = softplus(-a) and -log(1 - D) = softplus(a), without rounding D to 0 or 1.
    return 0.5 * F.softplus(-real_logits).mean() + 0.5 * F.softplus(fake_logits).mean()


def generator_loss(
    fake_logits: Float[Tensor, " B"], *, saturating: bool = False
) -> Float[Tensor, ""]:
    """Return the generator's loss ``L_G = -1/2 E[log D(G(z))]``; (ln 2) / 2 where ``D`` is 1/2.

    Args:
        saturating: return ``+1/2 E[log(1 - D(G(z)))]`` instead, the loss of the minimax game, whose
            gradient vanishes where the discriminator is sure of a fake.

    Source: Goodfellow et al. (2014), section 3.
    """
    if saturating:
        return -0.5 * F.softplus(fake_logits).mean()
    return 0.5 * F.softplus(-fake_logits).mean()


def gradient_penalty(discriminator: nn.Module, real: Examples) -> Float[Tensor, ""]:
    """Return R1: the mean squared length of the logits' gradient at the real examples.

    That is ``E[|grad_x a(x)|^2]``, through which gradients flow to the discriminator. Examples with
    nan or inf are refused, because the slopes of a network need not show them.

    Args:
        discriminator: gives logits ``(B,)``.
        real: ``(B, ...)`` real examples.

    Source: Mescheder et al. (2018), who write it with the factor ``gamma / 2``.
    """
    check_finite("real", real)
    real = real.detach().requires_grad_()
    logits = _judge(discriminator, real)
    (gradient,) = torch.autograd.grad(logits.sum(), real, create_graph=True)  # (B, ...)
    return gradient.flatten(1).square().sum(dim=1).mean()


def discriminator_step(
    discriminator: nn.Module,
    real: Examples,
    fake: Examples,
    optimizer: Optimizer,
    *,
    penalty: NotNegative = 0.0,
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
    _check_player(discriminator, optimizer, trained=True)
    if fake.shape[1:] != real.shape[1:]:
        wanted = f"hold examples of shape {tuple(real.shape[1:])} like real"
        raise refusal("fake", wanted, tuple(fake.shape[1:]))
    loss = discriminator_loss(
        _judge(discriminator, real, augment), _judge(discriminator, fake.detach(), augment)
    )
    slopes = penalty / 2 * gradient_penalty(discriminator, real) if penalty else 0
    _update("discriminator", loss + slopes, optimizer)
    return loss.item()


def generator_step(
    discriminator: nn.Module,
    fake: Examples,
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
        FloatingPointError: the loss is not finite; the weights stay as they were.
    """
    _check_player(discriminator, optimizer, trained=False)
    if not fake.requires_grad:
        raise refusal("fake", "have requires_grad=True, as from a generator", False)
    loss = generator_loss(_judge(discriminator, fake, augment))
    _update("generator", loss, optimizer)
    return loss.item()


def _judge(
    discriminator: nn.Module, examples: Tensor, augment: Augmentation | None = None
) -> Tensor:
    """Return the logits of examples, one each."""
    logits = discriminator(examples if augment is None else augment(examples))
    if logits.shape != (count := len(examples),):
        raise refusal("the discriminator's output", f"have shape ({count},)", tuple(logits.shape))
    return logits


def _update(player: str, loss: Tensor, optimizer: Optimizer) -> None:
    """Take one step down ``loss``; only what ``optimizer`` holds gets gradients and moves."""
    if not loss.isfinite():
        raise told(
            f"the {player}'s loss",
            f" is {loss.item()}. Likely causes: a learning rate that is too high, examples that "
            "are not finite, no examples",
            FloatingPointError,
        )
    optimizer.zero_grad(set_to_none=True)
    loss.backward(inputs=[p for group in optimizer.param_groups for p in group["params"]])
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)


def _check_player(discriminator: nn.Module, optimizer: Optimizer, *, trained: bool) -> None:
    """Check that ``optimizer`` holds parameters of the discriminator exactly if it is to learn."""
    own = set(discriminator.parameters())
    held = sum(p in own for group in optimizer.param_groups for p in group["params"])
    if bool(held) != trained:
        wanted = f"hold {'some' if trained else 'none'} of the discriminator's parameters"
        raise refusal("optimizer", wanted, held)


guard(globals())
