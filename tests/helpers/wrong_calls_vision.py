"""What a reader gets wrong with pictures: rows of ``test_wrong_calls``, written by hand."""

import math

import torch
from torch import nn

from tests.helpers.right_calls_vision import C, D, M, digits, floats

judge, forgetful = nn.Sequential(nn.Flatten(), nn.Linear(784, 1), nn.Flatten(0)), nn.Linear(28, 1)
DIGITS, ONE_EACH = "must have shape (B, 1, 28, 28)", "must have shape (B,)"
FLOATS, DTYPE = "must be a float tensor", "must be torch.float32 like the model"
LAYERS = "must consist of layers that return a tensor"
LIKE_REAL = "must hold examples of shape (1, 28, 28) like real"
FRESH = "must have requires_grad=True, as from a generator"
OWN = "of the discriminator's parameters, got "
OUTPUT = "the discriminator's output must have shape (2,), got "


def sgd(player):
    return torch.optim.SGD(player.parameters(), lr=0.1)


def learning(player):
    return {"discriminator": player, "optimizer": sgd(player)}


def halved(examples):
    return examples[: len(examples) // 2]


VALUES = [
    ("SmallAlexNet.forward", {"images": digits()[0]}, f"images {DIGITS}, got (1, 28, 28)"),
    ("generator_loss", {"fake_logits": floats(M, 1)}, f"fake_logits {ONE_EACH}, got (13, 1)"),
    ("gradient_penalty generator_step", {"discriminator": forgetful}, f"{OUTPUT}(2, 1, 28, 1)"),
    ("discriminator_step", learning(forgetful), f"{OUTPUT}(2, 1, 28, 1)"),
    ("discriminator_step generator_step", {"augment": halved}, f"{OUTPUT}(1,)"),
    ("discriminator_step", {"fake": digits()[..., :7]}, f"fake {LIKE_REAL}, got (1, 28, 7)"),
    ("discriminator_step", {"optimizer": sgd(judge)}, f"optimizer must hold some {OWN}0"),
    ("generator_step", learning(judge), f"optimizer must hold none {OWN}2"),
    ("generator_step", {"fake": digits()}, f"fake {FRESH}, got False"),
    ("gradient_penalty", {"real": digits() / 0}, "real must be finite, got inf"),
    ("output_size", {"stride": 0}, "stride must be at least 1, got 0"),
    ("LocalResponseNorm", {"size": 4}, "size must be odd (as many channels each side), got 4"),
    ("AlexNet", {"groups": 3}, "groups must be 1 or 2, got 3"),
    ("AlexNet", {"groups": 2.0}, "groups must be 1 or 2, got 2.0"),
    ("AlexNet", {"groups": True}, "groups must be 1 or 2, got True"),
    ("frechet_distance", {"first": floats(M, D) / 0}, "first must be finite, got inf"),
    ("frechet_distance", {"second": floats(M, D) / 0}, "second must be finite, got inf"),
    ("frechet_distance", {"second": floats(1, D)}, "second must hold at least two examples, got 1"),
    ("count_by_centre", {"points": floats(M, D) * math.nan}, "points must be finite, got nan"),
    ("count_by_centre", {"centres": floats(C, D) / 0}, "centres must be finite, got inf"),
]
KINDS = [
    ("SmallAlexNet.forward", {"images": digits().byte()}, f"images {FLOATS}, got torch.uint8"),
    ("gradient_penalty", {"real": digits().double()}, f"real {DTYPE}, got torch.float64"),
    (
        "trace_shapes",
        {"model": nn.GRU(D, C), "input_shape": (M, D)},
        f"model {LAYERS}, got 'tuple'",
    ),
]
