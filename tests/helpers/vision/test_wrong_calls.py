"""What a reader gets wrong with pictures, and the sentence that answers: written by hand."""

import math
import re

import pytest
import torch
from torch import nn

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

B, M, D = 5, 7, 3
x = torch.zeros(2, 7, 5, 3)
digits = torch.zeros(B, 1, 28, 28)
points = torch.rand(B, D, generator=torch.Generator().manual_seed(0))
others = torch.rand(M, D, generator=torch.Generator().manual_seed(1))
logits = torch.zeros(B)
with torch.device("meta"):
    alexnet, one_tower = AlexNet(padding=2), OneTowerAlexNet()
small, classifier = SmallAlexNet(), DigitClassifier()
generator, discriminator = Generator(latent=11, width=3), Discriminator(width=3)
judge = nn.Sequential(nn.Linear(D, 1), nn.Flatten(0))
forgetful = nn.Linear(D, 1)


def pictures(*shape):
    return torch.zeros(shape, device="meta")


def sgd(player):
    return torch.optim.SGD(player.parameters(), lr=0.1)


def d_step(player=judge, **changes):
    given = {"real": points, "fake": others, "optimizer": sgd(player)} | changes
    return discriminator_step(player, **given)


def g_step(player=judge, **changes):
    fake = points.clone().requires_grad_()
    given = {"fake": fake, "optimizer": torch.optim.SGD([fake], lr=0.1)} | changes
    return generator_step(player, **given)


SHAPES = {
    "x must have shape (B, N, Y, X), got (7, 5, 3)": [lambda: LocalResponseNorm()(x[0])],
    "images must have shape (B, 3, Y, X), got (3, 227, 227)": [
        lambda: alexnet(pictures(3, 227, 227)),
        lambda: one_tower(pictures(3, 227, 227)),
    ],
    "images must have shape (2, 3, 227, 227), got (2, 4, 227, 227)": [
        lambda: alexnet(pictures(2, 4, 227, 227)),
        lambda: one_tower(pictures(2, 4, 227, 227)),
    ],
    "images must be 223 to 254 pixels high and wide, got (224, 255)": [
        lambda: alexnet(pictures(2, 3, 224, 255)),
    ],
    "images must be 223 to 254 pixels high and wide, got (222, 224)": [
        lambda: alexnet(pictures(2, 3, 222, 224)),
    ],
    "images must be at least 63 pixels high and wide, got (62, 67)": [
        lambda: one_tower(pictures(2, 3, 62, 67)),
    ],
    "images must have shape (B, 1, 28, 28), got (1, 28, 28)": [
        lambda: small(digits[0]),
        lambda: discriminator(digits[0]),
        lambda: classifier(digits[0]),
        lambda: classifier.features(digits[0]),
    ],
    "images must have shape (5, 1, 28, 28), got (5, 1, 28, 29)": [
        lambda: small(torch.zeros(B, 1, 28, 29)),
    ],
    "z must have shape (5, 11), got (5, 3)": [lambda: generator(points)],
    "real_logits must have shape (B,), got (5, 1)": [
        lambda: discriminator_loss(logits.unsqueeze(1), logits),
    ],
    "fake_logits must have shape (B,), got (5, 1)": [lambda: generator_loss(logits.unsqueeze(1))],
    "the discriminator's output must have shape (5,), got (5, 1)": [
        lambda: gradient_penalty(forgetful, points),
        lambda: d_step(forgetful),
        lambda: g_step(forgetful),
    ],
    "the discriminator's output must have shape (5,), got (2,)": [
        lambda: d_step(augment=lambda examples: examples[:2]),
        lambda: g_step(augment=lambda examples: examples[:2]),
    ],
    "fake must hold examples of shape (3,) like real, got (4,)": [
        lambda: d_step(fake=torch.zeros(M, D + 1)),
    ],
    "second must have shape (7, 3), got (7, 2)": [
        lambda: frechet_distance(points, others[:, :2]),
    ],
    "first must have shape (N, F), got (5,)": [lambda: frechet_distance(logits, others)],
    "centres must have shape (7, 3), got (7, 2)": [
        lambda: count_by_centre(points, others[:, :2], radius=1),
    ],
}
KINDS = {
    "images must be a tensor, got [[0.0]]": [lambda: small([[0.0]]), lambda: alexnet([[0.0]])],
    "images must be a float tensor, got torch.uint8": [lambda: small(digits.to(torch.uint8))],
    "images must be torch.float32 like the weights, got torch.float64": [
        lambda: discriminator(digits.double()),
    ],
    "size must be an integer, got 5.0": [lambda: LocalResponseNorm(5.0)],
    "k must be a number, got 'two'": [lambda: LocalResponseNorm(k="two")],
    "num_classes must be an integer, got 2.5": [lambda: SmallAlexNet(num_classes=2.5)],
    "padding must be an integer, got 'same'": [lambda: AlexNet(padding="same")],
    "norm must be True or False, got 1": [lambda: SmallAlexNet(norm=1)],
    "d_hidden must be an integer, got 32.0": [lambda: DigitClassifier(d_hidden=32.0)],
    "model must be of type Module, got 5": [lambda: trace_shapes(5, (3,))],
    "model must consist of layers that return a tensor, got 'tuple'": [
        lambda: trace_shapes(nn.GRU(3, 7), (5, 3)),
    ],
    "input_shape must be of type Sequence, got 5": [lambda: trace_shapes(small, 5)],
    "fake_logits must be a float tensor, got torch.int64": [lambda: generator_loss(logits.long())],
    "fake_logits must be torch.float32 like real_logits, got torch.float64": [
        lambda: discriminator_loss(logits, logits.double()),
    ],
    "real must be a tensor, got None": [lambda: d_step(real=None)],
    "optimizer must be of type Optimizer, got 'adam'": [lambda: d_step(optimizer="adam")],
    "augment must be of type Callable, got 2": [lambda: d_step(augment=2)],
    "discriminator must be of type Module, got <built-in function len>": [
        lambda: gradient_penalty(len, points),
    ],
}
RANGES = {
    "kernel must be at most size + 2 * padding = 7, got 8": [
        lambda: output_size(5, kernel=8, padding=1),
    ],
    "stride must be at least 1, got 0": [lambda: output_size(5, kernel=3, stride=0)],
    "size must be odd (a channel and as many each side), got 4": [lambda: LocalResponseNorm(4)],
    "k must be above 0 and finite, got 0": [lambda: LocalResponseNorm(k=0)],
    "alpha must be at least 0, got -0.1": [lambda: LocalResponseNorm(alpha=-0.1)],
    "beta must be at least 0, got -0.1": [lambda: LocalResponseNorm(beta=-0.1)],
    "num_classes must be at least 1, got 0": [
        lambda: AlexNet(num_classes=0),
        lambda: OneTowerAlexNet(num_classes=0),
    ],
    "dropout must be at least 0 and below 1, got 1": [lambda: SmallAlexNet(dropout=1)],
    "groups must be 1 or 2, got 3": [lambda: AlexNet(groups=3)],
    "pool must be 2 or 3, got 4": [lambda: SmallAlexNet(pool=4)],
    "activation must be 'relu' or 'tanh' or 'sigmoid', got 'gelu'": [
        lambda: SmallAlexNet(activation="gelu"),
    ],
    "input_shape must fit the model, got (1, 29, 28)": [
        lambda: trace_shapes(nn.Sequential(nn.Flatten(), nn.Linear(784, 2)), (1, 29, 28)),
    ],
    "latent must be at least 1, got 0": [lambda: Generator(latent=0)],
    "width must be at least 1, got -1": [lambda: Discriminator(width=-1)],
    "real must be finite, got 'nan or inf'": [
        lambda: gradient_penalty(judge, points * math.nan),
    ],
    "penalty must be at least 0, got -1": [lambda: d_step(penalty=-1)],
    "penalty must be finite, got nan": [lambda: d_step(penalty=math.nan)],
    "optimizer must hold some of the discriminator's parameters, got 0": [
        lambda: d_step(optimizer=sgd(forgetful)),
    ],
    "optimizer must hold none of the discriminator's parameters, got 2": [
        lambda: g_step(optimizer=sgd(judge)),
    ],
    "fake must have requires_grad=True, as from a generator, got False": [
        lambda: g_step(fake=points),
    ],
    "first must be finite, got 'nan or inf'": [lambda: frechet_distance(points / 0, others)],
    "second must hold at least two examples, got 1": [lambda: frechet_distance(points, others[:1])],
    "points must be finite, got 'nan or inf'": [
        lambda: count_by_centre(points * math.nan, others, radius=1),
    ],
    "centres must be finite, got 'nan or inf'": [
        lambda: count_by_centre(points, others / 0, radius=1),
    ],
    "radius must be at least 0, got -1": [lambda: count_by_centre(points, others, radius=-1)],
    "fake_logits must lie on cpu like real_logits, got meta": [
        lambda: discriminator_loss(logits, logits.to("meta")),
    ],
}


@pytest.mark.parametrize(
    ("error", "sentence", "call"),
    [
        pytest.param(error, sentence, call, id=sentence)
        for error, table in ((ValueError, SHAPES), (TypeError, KINDS), (ValueError, RANGES))
        for sentence, calls in table.items()
        for call in calls
    ],
)
def test_a_wrong_call_is_answered_in_one_sentence(error, sentence, call):
    with pytest.raises(error, match=f"^{re.escape(sentence)}$"):
        call()
