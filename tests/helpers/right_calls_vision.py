"""A right call of everything public in ``helpers.vision``.

Sizes are distinct primes; the sides of pictures are such that a window meets their last pixel.
"""

import torch
from torch import nn

from helpers import vision

B, N, C, D, Z, M = 2, 3, 7, 5, 11, 13


def floats(*shape):
    return torch.rand(shape, generator=torch.Generator().manual_seed(0))


def digits(count=B):
    return floats(count, 1, 28, 28)


def convolutions(kind):
    """Without the fully connected layers of four thousand neurons, which fill the memory."""
    with torch.device("meta"):
        network = kind()
    network.classifier = nn.Linear(256 * 6 * 6, C, device="meta")
    return network.to_empty(device="cpu").apply(drawn)


def drawn(part):
    if hasattr(part, "reset_parameters"):
        part.reset_parameters()


def generator():
    return vision.Generator(latent=Z, width=N)


def discriminator():
    return vision.Discriminator(width=N)


def turn(player):
    """What a step of a player takes, with an optimizer of its own."""
    return {"optimizer": torch.optim.SGD(player.parameters(), lr=0.1), "augment": torch.neg}


def discriminator_turn(player):
    given = {"discriminator": player, "real": digits(), "fake": digits(N), "penalty": 0.5}
    return given | turn(player)


def generator_turn(player):
    return {"discriminator": discriminator(), "fake": player(floats(B, Z))} | turn(player)


NETWORK = {"num_classes": C, "dropout": 0.5}
SMALL = {"activation": "tanh", "pool": 2, "norm": True}
FUNCTIONS = {
    "output_size": lambda: {"size": 11, "kernel": 3, "stride": 2, "padding": 1},
    "LocalResponseNorm": lambda: {"size": 5, "alpha": 1e-4, "beta": 0.75, "k": 2.0},
    "AlexNet": lambda: {"groups": 2, "padding": 2, **NETWORK},
    "OneTowerAlexNet": lambda: NETWORK,
    "SmallAlexNet": lambda: SMALL | NETWORK,
    "trace_shapes": lambda: {"model": nn.Conv2d(2, 3, 3), "input_shape": (2, 5, 7)},
    "Generator": lambda: {"latent": Z, "width": N},
    "Discriminator": lambda: {"width": N},
    "discriminator_loss": lambda: {"real_logits": floats(B), "fake_logits": floats(M)},
    "generator_loss": lambda: {"fake_logits": floats(M), "saturating": True},
    "gradient_penalty": lambda: {"discriminator": discriminator(), "real": digits()},
    "discriminator_step": lambda: discriminator_turn(discriminator()),
    "generator_step": lambda: generator_turn(generator()),
    "DigitClassifier": lambda: {"d_hidden": D},
    "frechet_distance": lambda: {"first": floats(M, D), "second": floats(C, D)},
    "count_by_centre": lambda: {"points": floats(M, D), "centres": floats(C, D), "radius": 0.5},
}
METHODS = {
    "LocalResponseNorm.forward": lambda: (vision.LocalResponseNorm(), {"x": floats(B, C, N, D)}),
    "LocalResponseNorm.extra_repr": lambda: (vision.LocalResponseNorm(), {}),
    "AlexNet.forward": lambda: (convolutions(vision.AlexNet), {"images": floats(B, 3, 227, 227)}),
    "OneTowerAlexNet.forward": lambda: (
        convolutions(vision.OneTowerAlexNet),
        {"images": floats(B, 3, 63, 63)},
    ),
    "SmallAlexNet.forward": lambda: (vision.SmallAlexNet(), {"images": digits()}),
    "Generator.forward": lambda: (generator(), {"z": floats(B, Z)}),
    "Discriminator.forward": lambda: (discriminator(), {"images": digits()}),
    "DigitClassifier.features": lambda: (vision.DigitClassifier(), {"images": digits()}),
    "DigitClassifier.forward": lambda: (vision.DigitClassifier(), {"images": digits()}),
}


def of_function(name, given):
    return lambda: (getattr(vision, name), given())


def of_method(name, made):
    def make():
        module, given = made()
        return getattr(module, name.partition(".")[2]), given

    return make


CALLS = {name: of_function(name, given) for name, given in FUNCTIONS.items()}
CALLS |= {name: of_method(name, made) for name, made in METHODS.items()}
