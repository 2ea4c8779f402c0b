"""The players of a GAN, their losses and their steps: formulas, laws, and who learns from what."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from helpers.vision import (
    Discriminator,
    Generator,
    discriminator_loss,
    discriminator_step,
    generator_loss,
    generator_step,
    gradient_penalty,
)
from tests.torch_reference import generator

B, M, D, Z = 5, 7, 3, 11  # primes, so that a swapped axis cannot hide
LOGITS = st.lists(st.floats(-30, 30), min_size=1, max_size=9)


def tensor(values) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64)


def points(count=B, seed=0):
    return torch.randn(count, D, dtype=torch.float64, generator=generator(seed))


REAL, FAKE = points(), points(M, seed=1)


def linear(weights=(1.0, -2.0, 2.0), bias=0.5):
    """A discriminator whose logits are known: ``weights . x + bias``."""
    layer = nn.Linear(D, 1).double()
    with torch.no_grad():
        layer.weight.copy_(tensor([weights]))
        layer.bias.fill_(bias)
    return nn.Sequential(layer, nn.Flatten(0))


def sgd(module):
    return torch.optim.SGD(module.parameters(), lr=0.1)


def state(module):
    return [p.detach().clone() for p in module.parameters()]


def stepped_down(loss, module):
    """The weights of a module after one step of `sgd` down a loss."""
    slopes = torch.autograd.grad(loss, list(module.parameters()))
    return [p - 0.1 * slope for p, slope in zip(state(module), slopes, strict=True)]


@given(LOGITS, LOGITS)
def test_losses_are_the_formulas_of_the_notes_and_halves_of_torchs_cross_entropy(real, fake):
    real, fake = tensor(real), tensor(fake)
    D_real, D_fake = real.sigmoid(), fake.sigmoid()
    # 1 - D in this form keeps its digits where D is close to 1
    not_fake = (-fake).sigmoid()
    L_D = -D_real.log().mean() / 2 - not_fake.log().mean() / 2
    torch.testing.assert_close(discriminator_loss(real, fake), L_D)
    torch.testing.assert_close(generator_loss(fake), -D_fake.log().mean() / 2)
    torch.testing.assert_close(generator_loss(fake, saturating=True), not_fake.log().mean() / 2)

    bce = F.binary_cross_entropy_with_logits
    ones, zeros = torch.ones_like, torch.zeros_like
    expected = (bce(real, ones(real)) + bce(fake, zeros(fake))) / 2
    torch.testing.assert_close(discriminator_loss(real, fake), expected)
    torch.testing.assert_close(generator_loss(fake), bce(fake, ones(fake)) / 2)
    torch.testing.assert_close(generator_loss(fake, saturating=True), -bce(fake, zeros(fake)) / 2)


def test_logits_far_out_lose_nothing():
    assert discriminator_loss(tensor([-800.0]), tensor([800.0])).item() == 800
    assert discriminator_loss(tensor([800.0]), tensor([-800.0])).item() == 0
    assert generator_loss(tensor([-800.0])).item() == 400
    assert generator_loss(tensor([800.0]), saturating=True).item() == -400


def test_the_penalty_of_a_plane_is_the_square_of_its_slope_and_teaches_it_to_be_flat():
    D_ = linear()
    penalty = gradient_penalty(D_, REAL)
    assert penalty.item() == pytest.approx(9.0)  # weights (1, -2, 2): 1 + 4 + 4
    penalty.backward()
    torch.testing.assert_close(D_[0].weight.grad, tensor([[2.0, -4.0, 4.0]]))  # of w . w: 2 w
    assert D_[0].bias.grad is None or D_[0].bias.grad.item() == 0


def test_the_penalty_is_a_mean_over_examples_and_a_sum_over_what_is_in_one():
    class Squares(nn.Module):
        def forward(self, x):  # a(x) = sum of squares, so the gradient is 2 x
            return x.square().flatten(1).sum(dim=1)

    pictures = torch.randn(B, 1, 2, 3, dtype=torch.float64)
    expected = 4 * pictures.square().sum() / B
    torch.testing.assert_close(gradient_penalty(Squares(), pictures), expected)
    assert not pictures.requires_grad  # the argument is left alone


@pytest.mark.parametrize("given", [{}, {"penalty": 0.7}], ids=str)
def test_a_discriminators_step_is_one_step_down_its_loss(given):
    """The penalty counts half, and is not in the loss returned."""
    D_ = linear()
    loss = discriminator_loss(D_(REAL), D_(FAKE))
    slopes = given.get("penalty", 0) / 2 * gradient_penalty(D_, REAL)
    expected = stepped_down(loss + slopes, D_)
    assert discriminator_step(D_, REAL, FAKE, sgd(D_), **given) == pytest.approx(loss.item())
    torch.testing.assert_close(state(D_), expected)


def test_a_generators_step_is_one_step_down_its_loss_and_leaves_the_other_alone():
    G, D_ = nn.Linear(2, D).double(), linear()
    noise, before = torch.randn(B, 2, dtype=torch.float64), state(D_)
    loss = generator_loss(D_(G(noise)))
    expected = stepped_down(loss, G)
    assert generator_step(D_, G(noise), sgd(G)) == pytest.approx(loss.item())
    torch.testing.assert_close(state(G), expected)
    assert all(map(torch.equal, state(D_), before))
    assert all(p.grad is None for p in [*D_.parameters(), *G.parameters()])


def test_the_generator_learns_nothing_from_the_discriminators_step():
    G, D_ = nn.Linear(2, D).double(), linear()
    before = state(G)
    fake = G(torch.randn(B, 2, dtype=torch.float64))
    discriminator_step(D_, REAL, fake, sgd(D_))
    assert all(map(torch.equal, state(G), before))
    assert all(p.grad is None for p in G.parameters())
    # the same fakes serve the generator afterwards, as in the lesson's loop
    generator_step(D_, fake, sgd(G))
    assert not any(map(torch.equal, state(G), before))


def test_both_see_what_the_augmentation_makes_of_it():
    fake, D_, twin = FAKE.clone().requires_grad_(), linear(), linear()
    loss = discriminator_loss(twin(3 * REAL), twin(3 * FAKE))
    returned = discriminator_step(D_, REAL, fake, sgd(D_), augment=lambda x: 3 * x)
    assert returned == pytest.approx(loss.item())
    sure = generator_loss(twin(3 * FAKE))
    mover = torch.optim.SGD([fake], lr=0.1)
    assert generator_step(twin, fake, mover, augment=lambda x: 3 * x) == pytest.approx(sure.item())


def test_what_the_loss_does_not_reach_stays_whatever_gradient_it_had():
    D_ = linear()
    D_.register_parameter("idle", nn.Parameter(tensor([1.0])))
    for p in D_.parameters():
        p.grad = torch.full_like(p, 17.0)
    decay = torch.optim.SGD(D_.parameters(), lr=0.1, weight_decay=0.5)
    discriminator_step(D_, REAL, FAKE, decay)
    assert D_.idle.item() == 1.0
    assert all(p.grad is None for p in D_.parameters())


def test_a_loss_that_is_not_finite_changes_nothing():
    G, D_ = nn.Linear(2, D).double(), linear(bias=math.nan)
    before = [D_[0].weight.detach().clone(), *state(G)]
    causes = "a learning rate that is too high, examples that are not finite, no examples"
    said = f"loss is nan. Likely causes: {causes}$"
    with pytest.raises(FloatingPointError, match=f"^the discriminator's {said}"):
        discriminator_step(D_, REAL, FAKE, sgd(D_))
    with pytest.raises(FloatingPointError, match=f"^the generator's {said}"):
        generator_step(D_, G(torch.randn(B, 2, dtype=torch.float64)), sgd(G))
    assert all(map(torch.equal, [D_[0].weight, *state(G)], before))


def kernels(module):
    return [tuple(p.shape) for p in module.parameters() if p.dim() > 1]


def test_the_players_have_the_widths_of_their_docstrings():
    by_default = 16, 32, Generator(), Discriminator()
    narrow = Z, 3, Generator(latent=Z, width=3), Discriminator(width=3)
    for latent, w, G, D_ in (by_default, narrow):
        up = [(4 * w, 2 * w, 3, 3), (2 * w, w, 4, 4), (w, 1, 4, 4)]
        assert kernels(G) == [(4 * w * 4 * 4, latent), *up]
        down = [(w, 1, 4, 4), (2 * w, w, 4, 4), (4 * w, 2 * w, 3, 3)]
        assert kernels(D_) == [*down, (1, 4 * w * 4 * 4)]


def test_the_generator_computes_what_dcgan_prescribes():
    # "Use batchnorm"; "Use ReLU activation in generator for all layers except for the output".
    G, z, w = Generator(latent=Z, width=3), torch.randn(B, Z), 3
    linear, bias, *rest = G.parameters()
    x = F.linear(z, linear, bias).reshape(B, 4 * w, 4, 4)
    for _ in range(3):
        gamma, beta, kernel, shift, *rest = rest
        x = F.relu(F.batch_norm(x, None, None, gamma, beta, training=True))
        x = F.conv_transpose2d(x, kernel, shift, stride=2, padding=1)
    assert not rest
    assert x.shape == (B, 1, 28, 28)
    torch.testing.assert_close(G(z), x.sigmoid())


def test_the_discriminator_computes_what_dcgan_prescribes():
    # "Use LeakyReLU activation in the discriminator for all layers"; "the slope of the leak was
    # set to 0.2 in all models" (section 4).
    D_, x = Discriminator(width=3), torch.rand(B, 1, 28, 28)
    pictures = x
    *kernels, linear, bias = D_.parameters()
    for kernel, shift in zip(kernels[::2], kernels[1::2], strict=True):
        x = F.leaky_relu(F.conv2d(x, kernel, shift, stride=2, padding=1), 0.2)
    torch.testing.assert_close(D_(pictures), F.linear(x.flatten(1), linear, bias).squeeze(1))
