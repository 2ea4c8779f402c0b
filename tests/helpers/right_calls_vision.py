"""A right call of everything public in ``helpers.vision``.

Sizes are distinct primes; the sides of pictures are such that a window meets their last pixel.
"""

import torch
from torch import Tensor, nn

from helpers.vision import (
    AlexNet,
    DigitClassifier,
    Discriminator,
    Generator,
    LocalResponseNorm,
    OneTowerAlexNet,
    SmallAlexNet,
    count_by_centre,
    discriminator_loss,
    discriminator_step,
    frechet_distance,
    generator_loss,
    generator_step,
    gradient_penalty,
    output_size,
    trace_shapes,
)

B, N, C, D, Z, M = 2, 3, 7, 5, 11, 13


def floats(*shape: int) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(0))


def convolutions(kind: type[nn.Module]) -> nn.Module:
    """Without the fully connected layers of four thousand neurons, which fill the memory."""
    with torch.device("meta"):
        network = kind()
    network.classifier = nn.Linear(256 * 6 * 6, C, device="meta")
    return network.to_empty(device="cpu").apply(drawn)


def drawn(part: nn.Module) -> None:
    if hasattr(part, "reset_parameters"):
        part.reset_parameters()


def discriminator_turn() -> dict[str, object]:
    player = Discriminator(width=N)
    return {
        "discriminator": player,
        "real": floats(B, 1, 28, 28),
        "fake": floats(N, 1, 28, 28),
        "optimizer": torch.optim.SGD(player.parameters(), lr=0.1),
        "penalty": 0.5,
        "augment": torch.neg,
    }


def generator_turn() -> dict[str, object]:
    player = Generator(latent=Z, width=N)
    return {
        "discriminator": Discriminator(width=N),
        "fake": player(floats(B, Z)),
        "optimizer": torch.optim.SGD(player.parameters(), lr=0.1),
        "augment": torch.neg,
    }


CALLS = {
    "output_size": lambda: (output_size, {"size": 11, "kernel": 3, "stride": 2, "padding": 1}),
    "LocalResponseNorm": lambda: (
        LocalResponseNorm,
        {"size": 5, "alpha": 1e-4, "beta": 0.75, "k": 2.0},
    ),
    "LocalResponseNorm.forward": lambda: (LocalResponseNorm().forward, {"x": floats(B, C, N, D)}),
    "LocalResponseNorm.extra_repr": lambda: (LocalResponseNorm().extra_repr, {}),
    "AlexNet": lambda: (
        AlexNet,
        {"num_classes": C, "groups": 2, "padding": 2, "dropout": 0.5},
    ),
    "AlexNet.forward": lambda: (convolutions(AlexNet).forward, {"images": floats(B, 3, 227, 227)}),
    "OneTowerAlexNet": lambda: (OneTowerAlexNet, {"num_classes": C, "dropout": 0.5}),
    "OneTowerAlexNet.forward": lambda: (
        convolutions(OneTowerAlexNet).forward,
        {"images": floats(B, 3, 63, 63)},
    ),
    "SmallAlexNet": lambda: (
        SmallAlexNet,
        {"num_classes": C, "activation": "tanh", "pool": 2, "norm": True, "dropout": 0.5},
    ),
    "SmallAlexNet.forward": lambda: (SmallAlexNet().forward, {"images": floats(B, 1, 28, 28)}),
    "trace_shapes": lambda: (
        trace_shapes,
        {"model": nn.Conv2d(2, 3, 3), "input_shape": (2, 5, 7)},
    ),
    "Generator": lambda: (Generator, {"latent": Z, "width": N}),
    "Generator.forward": lambda: (Generator(latent=Z, width=N).forward, {"z": floats(B, Z)}),
    "Discriminator": lambda: (Discriminator, {"width": N}),
    "Discriminator.forward": lambda: (
        Discriminator(width=N).forward,
        {"images": floats(B, 1, 28, 28)},
    ),
    "discriminator_loss": lambda: (
        discriminator_loss,
        {"real_logits": floats(B), "fake_logits": floats(M)},
    ),
    "generator_loss": lambda: (generator_loss, {"fake_logits": floats(M), "saturating": True}),
    "gradient_penalty": lambda: (
        gradient_penalty,
        {"discriminator": Discriminator(width=N), "real": floats(B, 1, 28, 28)},
    ),
    "discriminator_step": lambda: (discriminator_step, discriminator_turn()),
    "generator_step": lambda: (generator_step, generator_turn()),
    "DigitClassifier": lambda: (DigitClassifier, {"d_hidden": D}),
    "DigitClassifier.features": lambda: (
        DigitClassifier().features,
        {"images": floats(B, 1, 28, 28)},
    ),
    "DigitClassifier.forward": lambda: (
        DigitClassifier().forward,
        {"images": floats(B, 1, 28, 28)},
    ),
    "frechet_distance": lambda: (
        frechet_distance,
        {"first": floats(M, D), "second": floats(C, D)},
    ),
    "count_by_centre": lambda: (
        count_by_centre,
        {"points": floats(M, D), "centres": floats(C, D), "radius": 0.5},
    ),
}
