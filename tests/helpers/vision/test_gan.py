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

B, M, D, Z = 5, 7, 3, 11  # primes, so that a swapped axis cannot hide
LOGITS = st.lists(st.floats(-30, 30), min_size=1, max_size=9)


def tensor(values) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64)


def points(count=B, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, D, dtype=torch.float64, generator=generator)


def linear(weights=(1.0, -2.0, 2.0), bias=0.5):
    """A discriminator whose logits are known: ``weights . x + bias``."""
    layer = nn.Linear(D, 1).double()
    with torch.no_grad():
        layer.weight.copy_(tensor([weights]))
        layer.bias.fill_(bias)
    return nn.Sequential(layer, nn.Flatten(0))


def sgd(module, lr=0.1):
    return torch.optim.SGD(module.parameters(), lr=lr)


def state(module):
    return [p.detach().clone() for p in module.parameters()]


def same(first, second):
    return all(map(torch.equal, first, second))


# ------------------------------------------------------------------------------------- losses


@given(LOGITS, LOGITS)
def test_losses_are_the_formulas_of_the_notes(real, fake):
    real, fake = tensor(real), tensor(fake)
    D_real, D_fake = real.sigmoid(), fake.sigmoid()
    # 1 - D in this form keeps its digits where D is close to 1
    not_fake = (-fake).sigmoid()
    L_D = -D_real.log().mean() / 2 - not_fake.log().mean() / 2
    torch.testing.assert_close(discriminator_loss(real, fake), L_D)
    torch.testing.assert_close(generator_loss(fake), -D_fake.log().mean() / 2)
    torch.testing.assert_close(generator_loss(fake, saturating=True), not_fake.log().mean() / 2)


@given(LOGITS, LOGITS)
def test_losses_are_halves_of_torchs_cross_entropy(real, fake):
    real, fake = tensor(real), tensor(fake)
    bce = F.binary_cross_entropy_with_logits
    ones, zeros = torch.ones_like, torch.zeros_like
    expected = (bce(real, ones(real)) + bce(fake, zeros(fake))) / 2
    torch.testing.assert_close(discriminator_loss(real, fake), expected)
    torch.testing.assert_close(generator_loss(fake), bce(fake, ones(fake)) / 2)
    torch.testing.assert_close(generator_loss(fake, saturating=True), -bce(fake, zeros(fake)) / 2)


def test_at_the_end_of_the_game_the_losses_are_ln_2_and_half_of_it():
    undecided = torch.zeros(B, dtype=torch.float64)
    assert discriminator_loss(undecided, undecided).item() == pytest.approx(math.log(2))
    assert generator_loss(undecided).item() == pytest.approx(math.log(2) / 2)
    assert generator_loss(undecided, saturating=True).item() == pytest.approx(-math.log(2) / 2)


def test_logits_far_out_lose_nothing():
    assert discriminator_loss(tensor([-800.0]), tensor([800.0])).item() == 800
    assert discriminator_loss(tensor([800.0]), tensor([-800.0])).item() == 0
    assert generator_loss(tensor([-800.0])).item() == 400
    assert generator_loss(tensor([800.0]), saturating=True).item() == -400


@given(st.floats(-20, 20))
def test_gradients_are_those_derived_in_the_lesson(a):
    for saturating in (False, True):
        logit = tensor([a]).requires_grad_()
        (slope,) = torch.autograd.grad(generator_loss(logit, saturating=saturating), logit)
        sigma = 1 / (1 + math.exp(-a))
        rest = 1 / (1 + math.exp(a))
        assert slope.item() == pytest.approx(-sigma / 2 if saturating else -rest / 2)


def test_batches_of_different_size_weigh_the_same():
    # A mean over real plus a mean over fake: three times as many fakes change nothing.
    real, fake = points()[:, 0], points(seed=1)[:, 0]
    assert discriminator_loss(real, fake.repeat(3)).item() == pytest.approx(
        discriminator_loss(real, fake).item()
    )


# ------------------------------------------------------------------------------------ penalty


def test_the_penalty_of_a_plane_is_the_square_of_its_slope():
    # weights (1, -2, 2): 1 + 4 + 4
    assert gradient_penalty(linear(), points()).item() == pytest.approx(9.0)


def test_the_penalty_is_a_mean_over_examples_and_a_sum_over_what_is_in_one():
    class Squares(nn.Module):
        def forward(self, x):  # a(x) = sum of squares, so the gradient is 2 x
            return x.square().flatten(1).sum(dim=1)

    pictures = torch.randn(B, 1, 2, 3, dtype=torch.float64)
    expected = 4 * pictures.square().sum() / B
    torch.testing.assert_close(gradient_penalty(Squares(), pictures), expected)
    assert not pictures.requires_grad  # the argument is left alone


def test_the_penalty_teaches_the_discriminator_to_be_flat():
    D_ = linear()
    gradient_penalty(D_, points()).backward()
    torch.testing.assert_close(D_[0].weight.grad, tensor([[2.0, -4.0, 4.0]]))  # of w . w: 2 w
    assert D_[0].bias.grad is None or D_[0].bias.grad.item() == 0


# -------------------------------------------------------------------------------------- steps


def test_a_discriminators_step_is_one_step_down_its_loss():
    real, fake = points(), points(M, seed=1)
    D_, twin = linear(), linear()
    loss = discriminator_loss(twin(real), twin(fake))
    loss.backward()
    expected = [p - 0.1 * p.grad for p in twin.parameters()]
    returned = discriminator_step(D_, real, fake, sgd(D_))
    assert returned == pytest.approx(loss.item())
    torch.testing.assert_close(state(D_), expected)


def test_the_penalty_counts_half_and_is_not_in_the_loss_returned():
    real, fake = points(), points(M, seed=1)
    D_, twin = linear(), linear()
    loss = discriminator_loss(twin(real), twin(fake))
    (loss + 0.7 / 2 * gradient_penalty(twin, real)).backward()
    expected = [p - 0.1 * p.grad for p in twin.parameters()]
    assert discriminator_step(D_, real, fake, sgd(D_), penalty=0.7) == pytest.approx(loss.item())
    torch.testing.assert_close(state(D_), expected)


def test_a_generators_step_is_one_step_down_its_loss_and_leaves_the_other_alone():
    noise = torch.randn(B, 2, dtype=torch.float64)
    G = nn.Linear(2, D).double()
    twin = nn.Linear(2, D).double()
    twin.load_state_dict(G.state_dict())
    D_ = linear()
    before = state(D_)
    loss = generator_loss(D_(twin(noise)))
    loss.backward()
    D_.zero_grad()
    expected = [p - 0.1 * p.grad for p in twin.parameters()]
    assert generator_step(D_, G(noise), sgd(G)) == pytest.approx(loss.item())
    torch.testing.assert_close(state(G), expected)
    assert same(state(D_), before)
    assert all(p.grad is None for p in [*D_.parameters(), *G.parameters()])


def test_the_generator_learns_nothing_from_the_discriminators_step():
    G, D_ = nn.Linear(2, D).double(), linear()
    before = state(G)
    fake = G(torch.randn(B, 2, dtype=torch.float64))
    discriminator_step(D_, points(), fake, sgd(D_))
    assert same(state(G), before)
    assert all(p.grad is None for p in G.parameters())
    # the same fakes serve the generator afterwards, as in the lesson's loop
    generator_step(D_, fake, sgd(G))
    assert not same(state(G), before)


def test_both_see_what_the_augmentation_makes_of_it():
    real, fake = points(), points(M, seed=1).requires_grad_()
    D_, twin = linear(), linear()
    loss = discriminator_loss(twin(3 * real), twin(3 * fake.detach()))
    returned = discriminator_step(D_, real, fake, sgd(D_), augment=lambda x: 3 * x)
    assert returned == pytest.approx(loss.item())
    sure = generator_loss(twin(3 * fake))
    mover = torch.optim.SGD([fake], lr=0.1)
    assert generator_step(twin, fake, mover, augment=lambda x: 3 * x) == pytest.approx(sure.item())


def test_fair_play_finds_a_normal_distribution():
    # The smallest GAN: G moves and widens noise, D is quadratic, which is all that it needs to be.
    generator = torch.Generator().manual_seed(0)

    class Quadratic(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(2, 1)

        def forward(self, x):
            return self.layer(torch.cat([x, x.square()], dim=1)).squeeze(1)

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        G, D_ = nn.Linear(1, 1), Quadratic()
    g_adam, d_adam = (torch.optim.Adam(m.parameters(), lr=0.01, betas=(0.5, 0.9)) for m in (G, D_))
    for _ in range(1500):
        real = 2.0 + 0.5 * torch.randn(256, 1, generator=generator)
        fake = G(torch.randn(256, 1, generator=generator))
        discriminator_step(D_, real, fake, d_adam, penalty=0.5)
        generator_step(D_, fake, g_adam)
    assert G.bias.item() == pytest.approx(2.0, abs=0.2)
    assert abs(G.weight.item()) == pytest.approx(0.5, abs=0.2)


def test_what_the_loss_does_not_reach_stays_whatever_gradient_it_had():
    D_ = linear()
    D_.register_parameter("idle", nn.Parameter(tensor([1.0])))
    for p in D_.parameters():
        p.grad = torch.full_like(p, 17.0)
    decay = torch.optim.SGD(D_.parameters(), lr=0.1, weight_decay=0.5)
    discriminator_step(D_, points(), points(M, seed=1), decay)
    assert D_.idle.item() == 1.0
    assert all(p.grad is None for p in D_.parameters())


@pytest.mark.parametrize("place", [0, B - 1])
def test_losses_swallow_no_nan(place):
    logits = torch.zeros(B)
    logits[place] = math.nan
    assert discriminator_loss(logits, torch.zeros(M)).isnan()
    assert discriminator_loss(torch.zeros(M), logits).isnan()
    assert generator_loss(logits).isnan()
    assert generator_loss(logits, saturating=True).isnan()


def test_a_loss_that_is_not_finite_changes_nothing():
    D_ = linear(bias=math.nan)
    before = D_[0].weight.detach().clone()
    causes = (
        "Likely causes: a learning rate that is too high, examples that are not finite, no examples"
    )
    with pytest.raises(FloatingPointError, match=f"^the discriminator's loss is nan. {causes}$"):
        discriminator_step(D_, points(), points(seed=1), sgd(D_))
    assert torch.equal(D_[0].weight, before)
    G = nn.Linear(2, D).double()
    before = state(G)
    with pytest.raises(FloatingPointError, match=f"^the generator's loss is nan. {causes}$"):
        generator_step(D_, G(torch.randn(B, 2, dtype=torch.float64)), sgd(G))
    assert same(state(G), before)


# ------------------------------------------------------------------------------------ players


def test_shapes_and_the_range_of_ink():
    G, D_ = Generator(latent=Z, width=3), Discriminator(width=3)
    pictures = G(torch.randn(B, Z))
    assert pictures.shape == (B, 1, 28, 28)
    assert pictures.min() >= 0
    assert pictures.max() <= 1
    assert D_(pictures).shape == (B,)


def test_the_players_can_be_counted_by_hand():
    # weights and biases of each layer, and two numbers a channel of each normalisation
    w = 3
    by_hand = (Z + 1) * 4 * w * 16 + 2 * 4 * w  # linear
    by_hand += 4 * w * 2 * w * 9 + 2 * w + 2 * 2 * w  # 3 by 3, to 7 by 7 pixels
    by_hand += 2 * w * w * 16 + w + 2 * w  # 4 by 4, to 14 by 14
    by_hand += w * 16 + 1  # 4 by 4, to 28 by 28
    assert sum(p.numel() for p in Generator(latent=Z, width=w).parameters()) == by_hand
    by_hand = 16 * w + w + w * 2 * w * 16 + 2 * w + 2 * w * 4 * w * 9 + 4 * w + 4 * w * 16 + 1
    assert sum(p.numel() for p in Discriminator(width=w).parameters()) == by_hand


def test_the_generator_grows_and_the_discriminator_shrinks_through_the_same_sizes():
    sizes, signal = [], torch.randn(B, Z)
    for layer in Generator(latent=Z, width=3):
        signal = layer(signal)
        if isinstance(layer, nn.Unflatten | nn.ConvTranspose2d):
            sizes.append(tuple(signal.shape[1:]))
    assert sizes == [(12, 4, 4), (6, 7, 7), (3, 14, 14), (1, 28, 28)]
    back = [tuple(signal.shape[1:])]
    for layer in Discriminator(width=3):
        signal = layer(signal)
        if isinstance(layer, nn.Conv2d):
            back.append(tuple(signal.shape[1:]))
    assert back == sizes[::-1]


def shapes(module):
    return [tuple(p.shape) for p in module.parameters()]


def test_by_default_noise_is_16_wide_and_32_channels_stand_at_14_by_14():
    assert shapes(Generator()) == shapes(Generator(latent=16, width=32))
    assert shapes(Discriminator()) == shapes(Discriminator(width=32))


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


def test_a_discriminator_judges_each_picture_by_itself():
    D_ = Discriminator(width=3)
    pictures = torch.rand(B, 1, 28, 28)
    alone = torch.cat([D_(picture.unsqueeze(0)) for picture in pictures])
    torch.testing.assert_close(D_(pictures), alone)


def test_different_noise_makes_different_pictures():
    pictures = Generator(latent=Z, width=3)(torch.randn(B, Z))
    assert torch.pdist(pictures.flatten(1)).min() > 0


# ---------------------------------------------------------------------------------- bad input
