"""Bad input for the networks of pictures, the two players and their judges; see ``bad_input``."""

import functools
import math

import torch
from torch import nn
from torch.nn import functional as F
from torch.testing import assert_close

from bad_input import (
    FLOATS,
    Entry,
    Kind,
    Law,
    flag,
    function,
    instance,
    integer,
    number,
    one_of,
    optional,
    sequence,
    size,
    tensor,
)
from helpers.alexnet import (
    AlexNet,
    LocalResponseNorm,
    OneTowerAlexNet,
    SmallAlexNet,
    output_size,
    trace_shapes,
)
from helpers.gan import (
    Discriminator,
    Generator,
    discriminator_loss,
    discriminator_step,
    generator_loss,
    generator_step,
    gradient_penalty,
)
from helpers.gan_metrics import DigitClassifier, count_by_centre, frechet_distance
from right_answers import (
    FLOAT,
    B,
    S,
    built,
    equals,
    made,
    method,
    numbers,
    propagates,
    small,
    tolerance,
)

MODULES = ["alexnet", "gan", "gan_metrics"]


def images(*shape, device="cpu"):
    return (numbers(*shape) + 0.5).to(device)


def on_meta(make):
    """Build under the device "meta": shapes without memory."""

    def build(**options):
        with torch.device("meta"):
            return make(**options)

    return build


alexnet_on_meta = functools.cache(on_meta(AlexNet))
one_tower_on_meta = functools.cache(on_meta(OneTowerAlexNet))


def of_shape(*shape):
    def check(result, given):
        assert result.shape[1:] == shape
        assert len(result) == len(given["images"])

    return check


def check_size(result, given):
    padded = given["size"] + 2 * given["padding"]
    places = range(0, padded - given["kernel"] + 1, given["stride"])
    assert result == len(places) >= 1


def check_normalisation(module, given):
    module(torch.ones(B, S, 3, 3))
    for value in (0.0, 1.0, -7.0):
        assert module(torch.full((B, S, 3, 3), value)).isfinite().all()


def small_network(**options):
    return made(SmallAlexNet, classes=2, **options)


CONSTANT = number(0)
NETWORK = {"classes": size(), "dropout": number(0, 1)}
ALEXNET = [
    Entry(
        "alexnet.output_size",
        lambda: (output_size, {"size": 11, "kernel": 3, "stride": 2, "padding": 1}),
        {
            "size": integer(1, 2**63 - 1),
            "kernel": integer(1, 2**63 - 1),
            "stride": integer(1, 2**63 - 1),
            "padding": integer(0, 2**63 - 1),
        },
        check_size,
    ),
    Entry(
        "alexnet.LocalResponseNorm",
        lambda: (LocalResponseNorm, {"size": 5, "alpha": 1e-4, "beta": 0.75, "k": 2.0}),
        {"size": size(), "alpha": CONSTANT, "beta": CONSTANT, "k": CONSTANT},
        check_normalisation,
    ),
    method(
        "alexnet.LocalResponseNorm",
        LocalResponseNorm,
        lambda: {"x": numbers(B, S, 3, 5)},
        {"x": tensor("B", "N", "Y", "X")},
        ("x",),
    ),
    Entry(
        "alexnet.AlexNet",
        lambda: (on_meta(AlexNet), {"classes": 2, "groups": 2, "padding": 2, "dropout": 0.5}),
        NETWORK | {"groups": integer(1, 2), "padding": size(0)},
        lambda module, given: built(
            images(1, 3, *[227 - 2 * int(given["padding"])] * 2, device="meta")
        )(module, given),
    ),
    Entry(
        "alexnet.AlexNet.forward",
        lambda: (alexnet_on_meta().forward, {"images": images(B, 3, 227, 227, device="meta")}),
        {"images": tensor("B", 3, "Y", "X", dtype=FLOAT)},
        of_shape(1000),
    ),
    Entry(
        "alexnet.OneTowerAlexNet",
        lambda: (on_meta(OneTowerAlexNet), {"classes": 2, "dropout": 0.5}),
        NETWORK,
        built(images(1, 3, 63, 63, device="meta")),
    ),
    Entry(
        "alexnet.OneTowerAlexNet.forward",
        lambda: (
            one_tower_on_meta().forward,
            {"images": images(B, 3, 63, 67, device="meta")},
        ),
        {"images": tensor("B", 3, "Y", "X", dtype=FLOAT)},
        of_shape(1000),
    ),
    Entry(
        "alexnet.SmallAlexNet",
        lambda: (
            SmallAlexNet,
            {"classes": 2, "activation": "relu", "pool": 3, "norm": True, "dropout": 0.5},
        ),
        NETWORK
        | {
            "activation": one_of("relu", "tanh", "sigmoid"),
            "pool": integer(2, 3),
            "norm": flag(),
        },
        built(images(B, 1, 28, 28)),
    ),
    method(
        "alexnet.SmallAlexNet",
        small_network,
        lambda: {"images": images(B, 1, 28, 28)},
        {"images": tensor("B", 1, 28, 28, dtype=FLOAT)},
        ("images",),
    ),
    Entry(
        "alexnet.trace_shapes",
        lambda: (
            trace_shapes,
            {"model": made(nn.Sequential, nn.Conv2d(2, 3, 3)), "input_shape": (2, 5, 7)},
        ),
        {
            "model": instance(nn.Module),
            "input_shape": sequence(size()),
        },
        lambda result, given: assert_close(
            result[0].shape, (3, given["input_shape"][1] - 2, given["input_shape"][2] - 2)
        ),
    ),
]


def generator():
    return made(Generator, latent=3, width=2)


def discriminator():
    return made(Discriminator, width=2)


def sgd(model):
    return torch.optim.SGD(model.parameters(), lr=0.01)


def a_turn(**more):
    """The arguments of one step of the discriminator."""
    player = discriminator()
    return {
        "discriminator": player,
        "real": images(B, 1, 28, 28),
        "fake": images(3, 1, 28, 28),
        "optimizer": sgd(player),
    } | more


def a_move(**more):
    """The arguments of one step of the generator."""
    player = generator()
    turn = a_turn(fake=player(numbers(3, 3)), optimizer=sgd(player)) | more
    del turn["real"]
    return turn


def moved(result, given):
    assert 0 <= result < math.inf
    for group in given["optimizer"].param_groups:
        assert all(values.isfinite().all() for values in group["params"])


def cross_entropy(logits, target):
    logits = logits.double()
    return F.binary_cross_entropy_with_logits(logits, torch.full_like(logits, target)) / 2


def is_loss(compute):
    def check(result, given):
        assert result.shape == ()
        if result.is_meta:
            assert all(value.is_meta for value in given.values() if isinstance(value, torch.Tensor))
            return
        propagates(result, given)
        if small(given):
            assert_close(result.double(), compute(**given), **tolerance(given))

    return check


def check_distance(result, given):
    """The formula, with the square root taken of the eigenvalues of C1 C2 themselves."""
    first, second = (given[name].detach().double() for name in ("first", "second"))
    one, other = (torch.atleast_2d(torch.cov(x.T)) for x in (first, second))
    overlap = torch.linalg.eigvals(one @ other).real.clamp(min=0).sqrt().sum()
    shift = (first.mean(dim=0) - second.mean(dim=0)).square().sum()
    expected = shift + one.trace() + other.trace() - 2 * overlap
    assert_close(result, expected.item(), rtol=1e-5, atol=1e-5)


def count_near(points, centres, radius):
    counts = [0] * len(centres)
    for point in points.tolist():
        away = [math.dist(point, centre) for centre in centres.tolist()]
        if min(away) <= radius:
            counts[away.index(min(away))] += 1
    return torch.tensor(counts)


PICTURES = tensor("B", 1, 28, 28, dtype=FLOAT)
LOGITS = tensor("B")


def is_finite(value):
    return value.is_meta or value.is_sparse or bool(value.isfinite().all())


PLANE = tensor("N", "F", dtype=FLOATS[:2])
POINTS = Kind(
    "finite points",
    lambda value: PLANE.takes(value) and is_finite(value),
)
PLAYER = {
    "discriminator": instance(nn.Module),
    "optimizer": instance(torch.optim.Optimizer),
    "augment": optional(function()),
}
GAMES = [
    Entry(
        "gan.Generator",
        lambda: (Generator, {"latent": 3, "width": 2}),
        {"latent": size(), "width": size()},
        lambda module, given: built(numbers(B, int(given["latent"])))(module, given),
    ),
    method(
        "gan.Generator",
        generator,
        lambda: {"z": numbers(B, 3)},
        {"z": tensor("B", 3, dtype=FLOAT)},
        ("z",),
    ),
    Entry(
        "gan.Discriminator",
        lambda: (Discriminator, {"width": 2}),
        {"width": size()},
        built(images(B, 1, 28, 28)),
    ),
    method(
        "gan.Discriminator",
        discriminator,
        lambda: {"images": images(B, 1, 28, 28)},
        {"images": PICTURES},
        ("images",),
    ),
    Entry(
        "gan.discriminator_loss",
        lambda: (
            discriminator_loss,
            {"real_logits": numbers(5), "fake_logits": numbers(3)},
        ),
        {"real_logits": LOGITS, "fake_logits": LOGITS},
        is_loss(
            lambda real_logits, fake_logits: (
                cross_entropy(real_logits, 1.0) + cross_entropy(fake_logits, 0.0)
            )
        ),
    ),
    Entry(
        "gan.generator_loss",
        lambda: (generator_loss, {"fake_logits": numbers(3), "saturating": False}),
        {"fake_logits": LOGITS, "saturating": flag()},
        is_loss(
            lambda fake_logits, saturating: (
                -cross_entropy(fake_logits, 0.0) if saturating else cross_entropy(fake_logits, 1.0)
            )
        ),
    ),
    Entry(
        "gan.gradient_penalty",
        lambda: (
            gradient_penalty,
            {"discriminator": discriminator(), "real": images(B, 1, 28, 28)},
        ),
        {"discriminator": instance(nn.Module), "real": tensor("...", dtype=FLOAT)},
        propagates,
        names=("images",),
    ),
    Entry(
        "gan.discriminator_step",
        lambda: (discriminator_step, a_turn(penalty=0.5, augment=torch.neg)),
        PLAYER
        | {
            "real": tensor("...", dtype=FLOAT),
            "fake": tensor("...", dtype=FLOAT),
            "penalty": number(0),
        },
        moved,
        raises=(FloatingPointError,),
        names=("images",),
    ),
    Entry(
        "gan.generator_step",
        lambda: (generator_step, a_move(augment=torch.neg)),
        PLAYER | {"fake": tensor("...", dtype=FLOAT)},
        moved,
        raises=(FloatingPointError,),
        names=("images", "generator"),
    ),
    Entry(
        "gan_metrics.DigitClassifier",
        lambda: (DigitClassifier, {"features": 3}),
        {"features": size()},
        built(images(B, 1, 28, 28)),
    ),
    *(
        method(
            "gan_metrics.DigitClassifier",
            lambda: made(DigitClassifier, features=3),
            lambda: {"images": images(B, 1, 28, 28)},
            {"images": PICTURES},
            ("images",),
            name,
        )
        for name in ("forward", "features")
    ),
    Entry(
        "gan_metrics.frechet_distance",
        lambda: (
            frechet_distance,
            {"first": numbers(7, 3), "second": numbers(11, 3).square()},
        ),
        {"first": tensor("N", "F"), "second": tensor("M", "F")},
        check_distance,
    ),
    Entry(
        "gan_metrics.count_by_centre",
        lambda: (
            count_by_centre,
            {"points": numbers(7, 2), "centres": numbers(3, 2), "radius": 0.4},
        ),
        {
            "points": POINTS,
            "centres": POINTS,
            "radius": number(0),
        },
        equals(count_near),
    ),
]

ENTRIES = [*ALEXNET, *GAMES]


class TestLaw(Law):
    entries = ENTRIES
    modules = MODULES
    examples = 60
