"""Three recipes for a GAN that makes digits: lesson 05's, and two that a reader would find first.

Scope: ``CONTESTANTS`` names the classes. Each has ``batch``, the size of its mini-batch;
``step(real)``, by which both players learn once; ``pictures(count)``, made digits with pixels from
0 to 1, whatever the recipe itself computes with. What is random in a step or a picture comes from
the generator that the class is given, the first weights from torch's global one.

Sources, and what differs from them:

- the plain DCGAN (Radford, Metz, Chintala, 2015, https://arxiv.org/abs/1511.06434): networks,
  first weights, mini-batch and step are those of ``dcgan/main.py`` in
  https://github.com/pytorch/examples. The example makes pictures of 64 by 64 pixels; for 28 by 28
  one doubling is left out, and one goes from 4 to 7 pixels. Its 64 channels are 32 here, as many
  as in lesson 05: at 64 a step takes almost three times as long, and on one thread the recipe
  hardly gets under way;
- the perceptron: ``implementations/gan/gan.py`` in https://github.com/eriklindernoren/PyTorch-GAN,
  which is for 28 by 28 pixels as it stands.

Dimensions: ``B`` batch, ``Z`` latent width.
"""

from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import Adam, Optimizer
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from helpers.data import random_shift
from helpers.training import predict
from helpers.vision import Discriminator, Generator, discriminator_step, generator_step


class Lesson05:
    """The recipe of lesson 05, as its notebook has it."""

    batch, latent = 32, 16

    def __init__(self, draws: torch.Generator) -> None:
        self.draws = draws
        self.generator, self.discriminator = Generator(latent=self.latent), Discriminator()
        self.g_adam = Adam(self.generator.parameters(), lr=0.005, betas=(0.5, 0.999))
        self.d_adam = Adam(self.discriminator.parameters(), lr=0.003, betas=(0.5, 0.999))
        averaging = get_ema_multi_avg_fn(0.996)
        self.average = AveragedModel(self.generator, multi_avg_fn=averaging, use_buffers=True)

    def step(self, real: Tensor) -> None:
        """Let both players learn once; ``real`` ``(B, 1, 28, 28)`` goes from 0 to 1."""
        fake = self.generator(torch.randn(len(real), self.latent, generator=self.draws))
        see = partial(random_shift, reach=1, generator=self.draws)
        discriminator_step(self.discriminator, real, fake, self.d_adam, augment=see)
        generator_step(self.discriminator, fake, self.g_adam, augment=see)
        self.average.update_parameters(self.generator)

    def pictures(self, count: int) -> Tensor:
        """Return ``(count, 1, 28, 28)`` made digits, from 0 to 1."""
        return predict(self.average, torch.randn(count, self.latent, generator=self.draws))


class _Published:
    """What both published recipes share: pixels from -1 to 1, a sigmoid's BCE, and their Adam."""

    latent = 100

    def __init__(self, draws: torch.Generator) -> None:
        self.draws = draws
        self.generator, self.discriminator = self.players()
        self.g_adam = Adam(self.generator.parameters(), lr=0.0002, betas=(0.5, 0.999))
        self.d_adam = Adam(self.discriminator.parameters(), lr=0.0002, betas=(0.5, 0.999))

    def make(self, count: int) -> Tensor:
        """Return fakes ``(count, 1, 28, 28)`` from -1 to 1, with their gradients."""
        return self.generator(torch.randn(count, self.latent, generator=self.draws))

    def loss(self, pictures: Tensor, label: float) -> Tensor:
        """Return the cross-entropy of the discriminator's answers to ``label``, 1 for real."""
        answers = self.discriminator(pictures)  # (B,)
        return F.binary_cross_entropy(answers, torch.full_like(answers, label))

    def pictures(self, count: int) -> Tensor:
        """Return ``(count, 1, 28, 28)`` made digits, from 0 to 1.

        Both sources make theirs in training mode, in batches like those of the training.
        """
        with torch.no_grad():
            parts = torch.ones(count).split(self.batch)
            return torch.cat([(self.make(len(part)) + 1) / 2 for part in parts])


class PlainDCGAN(_Published):
    """The DCGAN of PyTorch's examples, for 28 by 28 pixels."""

    batch, width = 64, 32

    def players(self) -> tuple[nn.Module, nn.Module]:
        """Return a new generator ``(B, Z)`` -> pictures and discriminator -> ``(B,)``."""
        up = partial(nn.ConvTranspose2d, bias=False)
        down = partial(nn.Conv2d, stride=2, padding=1, bias=False)
        one, two, four = self.width, 2 * self.width, 4 * self.width
        generator = nn.Sequential(
            nn.Unflatten(1, (self.latent, 1, 1)),
            *(up(self.latent, four, 4), nn.BatchNorm2d(four), nn.ReLU()),  # (B, four, 4, 4)
            *(up(four, two, 3, 2, 1), nn.BatchNorm2d(two), nn.ReLU()),  # (B, two, 7, 7)
            *(up(two, one, 4, 2, 1), nn.BatchNorm2d(one), nn.ReLU()),  # (B, one, 14, 14)
            *(up(one, 1, 4, 2, 1), nn.Tanh()),  # (B, 1, 28, 28)
        )
        discriminator = nn.Sequential(
            *(down(1, one, 4), nn.LeakyReLU(0.2)),  # (B, one, 14, 14)
            *(down(one, two, 4), nn.BatchNorm2d(two), nn.LeakyReLU(0.2)),  # (B, two, 7, 7)
            *(down(two, four, 3), nn.BatchNorm2d(four), nn.LeakyReLU(0.2)),  # (B, four, 4, 4)
            *(nn.Conv2d(four, 1, 4, bias=False), nn.Sigmoid(), nn.Flatten(0)),  # (B,)
        )
        return generator.apply(_dcgan_weights), discriminator.apply(_dcgan_weights)

    def step(self, real: Tensor) -> None:
        """Let the discriminator learn once, then the generator; ``real`` goes from 0 to 1."""
        fake = self.make(len(real))
        _descend(self.loss(2 * real - 1, 1.0) + self.loss(fake.detach(), 0.0), self.d_adam)
        _descend(self.loss(fake, 1.0), self.g_adam)


class Perceptron(_Published):
    """The multilayer perceptrons of PyTorch-GAN."""

    batch = 64

    def players(self) -> tuple[nn.Module, nn.Module]:
        """Return a new generator ``(B, Z)`` -> pictures and discriminator -> ``(B,)``."""
        layers = [nn.Linear(self.latent, 128), nn.LeakyReLU(0.2)]
        for size in (128, 256, 512):
            # 0.8 stands where BatchNorm1d has eps: so it is in the source.
            normal = nn.BatchNorm1d(2 * size, 0.8)
            layers += [nn.Linear(size, 2 * size), normal, nn.LeakyReLU(0.2)]
        layers += [nn.Linear(1024, 28 * 28), nn.Tanh(), nn.Unflatten(1, (1, 28, 28))]
        discriminator = nn.Sequential(
            *(nn.Flatten(), nn.Linear(28 * 28, 512), nn.LeakyReLU(0.2)),
            *(nn.Linear(512, 256), nn.LeakyReLU(0.2)),
            *(nn.Linear(256, 1), nn.Sigmoid(), nn.Flatten(0)),
        )
        return nn.Sequential(*layers), discriminator

    def step(self, real: Tensor) -> None:
        """Let the generator learn once, then the discriminator; ``real`` goes from 0 to 1."""
        fake = self.make(len(real))
        _descend(self.loss(fake, 1.0), self.g_adam)
        _descend((self.loss(2 * real - 1, 1.0) + self.loss(fake.detach(), 0.0)) / 2, self.d_adam)


CONTESTANTS = {"lesson 05": Lesson05, "plain DCGAN": PlainDCGAN, "perceptron": Perceptron}


def _dcgan_weights(layer: nn.Module) -> None:
    """Draw the weights of one layer as the paper and PyTorch's example do."""
    if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(layer.weight, 0.0, 0.02)
    elif isinstance(layer, nn.BatchNorm2d):
        nn.init.normal_(layer.weight, 1.0, 0.02)


def _descend(loss: Tensor, optimizer: Optimizer) -> None:
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
