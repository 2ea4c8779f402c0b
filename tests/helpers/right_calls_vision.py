"""What everything public in ``helpers.vision`` may be given.

Sizes are distinct primes; the sides of pictures are such that a window meets their last pixel.
"""

from functools import partial

import torch
from torch import nn

from helpers import vision

B, N, C, D, Z, M = 2, 3, 7, 5, 11, 13


def floats(*shape):
    return torch.rand(shape, generator=torch.Generator().manual_seed(0))


def digits(count=B):
    return floats(count, 1, 28, 28)


def images():
    return {"images": digits()}


def convolutions(kind, **given):
    """Without the fully connected layers of four thousand neurons, which fill the memory."""
    with torch.device("meta"):
        network = kind(**given)
    network.classifier = nn.Linear(256 * 6 * 6, C, device="meta")
    return network.to_empty(device="cpu").apply(drawn)


def drawn(part):
    if hasattr(part, "reset_parameters"):
        part.reset_parameters()


def turn(player, **given):
    """What a step of a player takes, with an optimizer of its own."""
    optimizer = torch.optim.SGD(player.parameters(), lr=0.1)
    return given | {"optimizer": optimizer, "augment": torch.neg}


def discriminator_turn():
    player = vision.Discriminator(width=N)
    return turn(player, discriminator=player, real=digits(), fake=digits(N), penalty=0.5)


def generator_turn():
    player = vision.Generator(latent=Z, width=N)
    return turn(player, discriminator=vision.Discriminator(width=N), fake=player(floats(B, Z)))


NETWORK = {"num_classes": C, "dropout": 0.5}
WITHOUT_THE_LARGE_LAYERS = {
    name: partial(convolutions, getattr(vision, name)) for name in ("AlexNet", "OneTowerAlexNet")
}
GIVEN = {
    "output_size": {"size": 11, "kernel": 3, "stride": 2, "padding": 1},
    "LocalResponseNorm": {"size": 5, "alpha": 1e-4, "beta": 0.75, "k": 2.0},
    "LocalResponseNorm.forward": lambda: {"x": floats(B, C, N, D)},
    "LocalResponseNorm.extra_repr": {},
    "AlexNet": NETWORK | {"groups": 2, "padding": 2},
    "AlexNet.forward": lambda: {"images": floats(B, 3, 223, 223)},
    "OneTowerAlexNet": NETWORK,
    "OneTowerAlexNet.forward": lambda: {"images": floats(B, 3, 63, 63)},
    "SmallAlexNet": NETWORK | {"activation": "tanh", "pool": 2, "norm": True},
    "SmallAlexNet.forward": images,
    "trace_shapes": {"model": nn.Conv2d(2, 3, 3), "input_shape": (2, 5, 7)},
    "Generator": {"latent": Z, "width": N},
    "Generator.forward": lambda: {"z": floats(B, Z)},
    "Discriminator": {"width": N},
    "Discriminator.forward": images,
    "discriminator_loss": {"real_logits": floats(B), "fake_logits": floats(M)},
    "generator_loss": {"fake_logits": floats(M), "saturating": True},
    "gradient_penalty": {"discriminator": vision.Discriminator(width=N), "real": digits()},
    "discriminator_step": discriminator_turn,
    "generator_step": generator_turn,
    "DigitClassifier": {"d_hidden": D},
    "DigitClassifier.features": images,
    "DigitClassifier.forward": images,
    "frechet_distance": {"first": floats(M, D), "second": floats(C, D)},
    "count_by_centre": {"points": floats(M, D), "centres": floats(C, D), "radius": 0.5},
}
