"""What a reader gets wrong with pictures, and the sentence that answers: written by hand."""

import math
import re

import pytest
import torch
from torch import nn

from helpers.vision import (
    AlexNet,
    LocalResponseNorm,
    SmallAlexNet,
    count_by_centre,
    discriminator_step,
    frechet_distance,
    generator_loss,
    generator_step,
    gradient_penalty,
    output_size,
    trace_shapes,
)
from tests.torch_reference import generator

B, M, D = 5, 7, 3
digits, logits = torch.zeros(B, 1, 28, 28), torch.zeros(B)
doubles = digits.double()
real, fake = torch.rand(B, D, generator=generator(0)), torch.rand(M, D, generator=generator(1))
small = SmallAlexNet()
judge, forgetful = nn.Sequential(nn.Linear(D, 1), nn.Flatten(0)), nn.Linear(D, 1)


def sgd(player):
    return torch.optim.SGD(player.parameters(), lr=0.1)


def d_step(player=judge, **changes):
    given = {"real": real, "fake": fake, "optimizer": sgd(player)} | changes
    return discriminator_step(player, **given)


def g_step(player=judge, **changes):
    made = real.clone().requires_grad_()
    given = {"fake": made, "optimizer": torch.optim.SGD([made], lr=0.1)} | changes
    return generator_step(player, **given)


def count(points=real, centres=fake):
    return count_by_centre(points, centres, radius=1)


def halved(examples):
    return examples[: B // 2]


OUTPUT = "the discriminator's output must have shape (5,), got "
OWN = "of the discriminator's parameters, got "
SHAPES = [
    ("images must have shape (B, 1, 28, 28), got (1, 28, 28)", lambda: small(digits[0])),
    ("fake_logits must have shape (B,), got (5, 1)", lambda: generator_loss(logits[:, None])),
    (OUTPUT + "(5, 1)", lambda: gradient_penalty(forgetful, real)),
    (OUTPUT + "(5, 1)", lambda: d_step(forgetful)),
    (OUTPUT + "(5, 1)", lambda: g_step(forgetful)),
    (OUTPUT + "(2,)", lambda: d_step(augment=halved)),
    (OUTPUT + "(2,)", lambda: g_step(augment=halved)),
    ("fake must hold examples of shape (3,) like real, got (1,)", lambda: d_step(fake=fake[:, :1])),
    ("second must have shape (7, 3), got (7, 2)", lambda: frechet_distance(real, fake[:, :2])),
    ("centres must have shape (7, 3), got (7, 2)", lambda: count(centres=fake[:, :2])),
]
KINDS = [
    ("images must be a float tensor, got torch.uint8", lambda: small(digits.to(torch.uint8))),
    ("images must be torch.float32 like the model, got torch.float64", lambda: small(doubles)),
    (
        "real must be torch.float32 like the model, got torch.float64",
        lambda: gradient_penalty(discriminator=judge, real=real.double()),
    ),
    ("padding must be an integer, got 'same'", lambda: AlexNet(padding="same")),
    ("model must be a torch.nn.Module, got 5", lambda: trace_shapes(5, (3,))),
    (
        "model must consist of layers that return a tensor, got 'tuple'",
        lambda: trace_shapes(nn.GRU(3, 7), (5, 3)),
    ),
    ("optimizer must be of type Optimizer, got 'adam'", lambda: d_step(optimizer="adam")),
    ("augment must be a function, got 2", lambda: d_step(augment=2)),
]
RANGES = [
    ("stride must be at least 1, got 0", lambda: output_size(5, kernel=3, stride=0)),
    ("size must be odd (as many channels each side), got 4", lambda: LocalResponseNorm(4)),
    ("groups must be 1 or 2, got 3", lambda: AlexNet(groups=3)),
    ("groups must be 1 or 2, got 2.0", lambda: AlexNet(groups=2.0)),
    ("groups must be 1 or 2, got True", lambda: AlexNet(groups=True)),
    ("real must be finite, got inf", lambda: gradient_penalty(judge, real / 0)),
    ("penalty must be finite, got nan", lambda: d_step(penalty=math.nan)),
    (f"optimizer must hold some {OWN}0", lambda: d_step(optimizer=sgd(forgetful))),
    (f"optimizer must hold none {OWN}2", lambda: g_step(optimizer=sgd(judge))),
    (
        "fake must have requires_grad=True, as from a generator, got False",
        lambda: g_step(fake=real),
    ),
    ("first must be finite, got inf", lambda: frechet_distance(real / 0, fake)),
    ("second must be finite, got inf", lambda: frechet_distance(real, fake / 0)),
    ("second must hold at least two examples, got 1", lambda: frechet_distance(real, fake[:1])),
    ("points must be finite, got nan", lambda: count(points=fake * math.nan)),
    ("centres must be finite, got inf", lambda: count(centres=fake / 0)),
]


@pytest.mark.parametrize(
    ("sentence", "call"), [pytest.param(*row, id=row[0]) for row in SHAPES + KINDS + RANGES]
)
def test_a_wrong_call_is_answered_in_one_sentence(sentence, call):
    error = TypeError if (sentence, call) in KINDS else ValueError
    with pytest.raises(error, match=f"^{re.escape(sentence)}$"):
        call()
