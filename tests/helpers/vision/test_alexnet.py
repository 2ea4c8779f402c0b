"""helpers.vision.alexnet: tables derived by hand, the paper's formulas written out, and laws."""

import math
import re

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from helpers.vision import (
    AlexNet,
    Layer,
    LocalResponseNorm,
    OneTowerAlexNet,
    SmallAlexNet,
    output_size,
    trace_shapes,
)
from tests.torch_reference import NEARLY_ONE, generator, random_module

B, N, Y, X, C = 2, 7, 5, 3, 11  # distinct primes

law = settings(max_examples=30)


def sizes(table):
    """The tuples that are written as ``96x55x55``."""
    return [tuple(map(int, each.split("x"))) for each in table.split()]


# What has weights: kernels x channels that each sees x height x width, and outputs x inputs.
# The paper, section 3.5 and figure 2: its layers 2, 4 and 5 see half of the channels before them.
PAPER = sizes(
    "96x3x11x11 256x48x5x5 384x256x3x3 384x192x3x3 256x192x3x3 4096x9216 4096x4096 1000x4096"
)
WHOLE = sizes(
    "96x3x11x11 256x96x5x5 384x256x3x3 384x384x3x3 256x384x3x3 4096x9216 4096x4096 1000x4096"
)
# torchvision/models/alexnet.py, pytorch.org/vision/stable/_modules/torchvision/models/alexnet.html
TORCHVISION = sizes(
    "64x3x11x11 192x64x5x5 384x192x3x3 256x384x3x3 256x256x3x3 4096x9216 4096x4096 1000x4096"
)
NAMES = (
    "features.0 features.3 features.6 features.8 features.10 classifier.1 classifier.4 classifier.6"
)


def on_meta(kind, **options):
    """Build a model without memory: shapes only."""
    with torch.device("meta"):
        return kind(**options)


def quoted(text):
    return f"^{re.escape(text)}$"


def draw(*shape, seed=0):
    return torch.randn(shape, generator=generator(seed), dtype=torch.float64)


def shapes(layers, *kinds):
    return [layer.shape for layer in layers if layer.kind in kinds]


def weights_and_biases(model):
    return zip(*[model.parameters()] * 2, strict=True)


def count(kernels):
    """How many numbers each layer learns: those of its kernels, and a bias for each."""
    return [math.prod(kernel) + kernel[0] for kernel in kernels]


# The shape rule


@law
@given(st.integers(1, 23), st.integers(1, 11), st.integers(1, 5), st.integers(0, 3))
def test_output_size_counts_the_places_of_a_window(size, kernel, stride, padding):
    padded = size + 2 * padding
    starts = [start for start in range(0, padded, stride) if start + kernel <= padded]
    if not starts:
        message = f"kernel must be at most size + 2 * padding = {padded}, got {kernel}"
        with pytest.raises(ValueError, match=quoted(message)):
            output_size(size, kernel=kernel, stride=stride, padding=padding)
        return
    assert output_size(size, kernel=kernel, stride=stride, padding=padding) == len(starts)
    line = F.conv1d(torch.ones(1, 1, size), torch.ones(1, 1, kernel), None, stride, padding)
    assert line.shape[-1] == len(starts)
    if kernel <= size:  # by default it moves by one, and nothing is padded
        assert output_size(size, kernel=kernel) == size - kernel + 1


# Local response normalisation


def normalised(x, size=5, alpha=1e-4, beta=0.75, k=2):
    """Section 3.3 written out, channel by channel; the constants are the paper's."""
    result = torch.empty_like(x)
    for i in range(x.shape[1]):
        low, high = max(0, i - size // 2), min(x.shape[1] - 1, i + size // 2)
        squares = sum(x[:, j] ** 2 for j in range(low, high + 1))
        result[:, i] = x[:, i] / (k + alpha * squares) ** beta
    return result


CONSTANTS = st.tuples(st.floats(0, 3), st.floats(0, 2), st.floats(0.5, 3))


@law
@given(st.sampled_from([1, 3, 5, 13]), CONSTANTS, st.integers(0, 2**32 - 1))
def test_local_response_norm_is_the_formula(size, constants, seed):
    x = draw(B, N, Y, X, seed=seed)
    alpha, beta, k = constants
    found = LocalResponseNorm(size, alpha=alpha, beta=beta, k=k)(x)
    torch.testing.assert_close(found, normalised(x, size, *constants), rtol=0, atol=1e-12)


def test_the_constants_are_the_papers_and_torch_divides_alpha_by_the_size():
    """Large numbers, so that the sum counts: the same words in torch.nn are another function."""
    x = 100 * draw(B, N, Y, X)
    ours = LocalResponseNorm()(x)
    torch.testing.assert_close(ours, normalised(x), rtol=0, atol=1e-10)
    same_words = nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75, k=2)(x)
    same_function = nn.LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=2)(x)
    torch.testing.assert_close(ours, same_function, rtol=0, atol=1e-12)
    assert ((ours - same_words).abs() / ours.abs()).max() > 0.1
    assert repr(LocalResponseNorm()) == "LocalResponseNorm(5, alpha=0.0001, beta=0.75, k=2.0)"


# The full networks


@pytest.mark.parametrize(
    ("options", "side", "expected"),
    [
        ({}, 227, WHOLE),
        ({"padding": 2}, 224, WHOLE),
        ({"groups": 2}, 227, PAPER),
        ({"groups": 2, "padding": 2}, 224, PAPER),
    ],
)
def test_alexnet_layer_by_layer(options, side, expected):
    layers = trace_shapes(on_meta(AlexNet, **options), (3, side, side))
    assert [layer.parameters for layer in layers if layer.parameters] == count(expected)
    convolved = sizes("96x55x55 256x27x27 384x13x13 384x13x13 256x13x13")
    assert shapes(layers, "Conv2d") == convolved
    assert shapes(layers, "LocalResponseNorm") == convolved[:2]
    assert shapes(layers, "MaxPool2d") == sizes("96x27x27 256x13x13 256x6x6")
    assert shapes(layers, "Linear") == sizes("4096 4096 1000")


@pytest.fixture(scope="module")
def grouped():
    """A full network of the paper, with real weights: about 200 MB."""
    torch.manual_seed(0)
    return AlexNet(num_classes=C, groups=2, padding=2).eval()


def assert_spread(weight, deviation):
    """As if drawn around zero: mean and deviation are within five of their own deviations."""
    count = weight.numel()
    assert abs(weight.mean()) < 5 * deviation / math.sqrt(count)
    assert abs(weight.std() - deviation) < 5 * deviation / math.sqrt(2 * count)


def test_the_start_is_the_papers(grouped):
    """Section 5: N(0, 0.01); biases 1 in convolutions 2, 4, 5 and hidden layers, 0 elsewhere."""
    starts = zip(weights_and_biases(grouped), [0, 1, 0, 1, 1, 1, 1, 0], strict=True)
    for (weight, bias), start in starts:
        assert_spread(weight, 0.01)
        assert (weight.abs() > 0.02).float().mean() == pytest.approx(0.0455, abs=0.01)
        assert bias.unique().tolist() == [start]


def in_halves(x, weight, bias, **options):
    """A convolution on two GPUs: each half of the kernels sees its half of the channels."""
    halves = zip(x.chunk(2, 1), weight.chunk(2), bias.chunk(2), strict=True)
    return torch.cat([F.conv2d(*half, **options) for half in halves], 1)


def written_out(model, x, convolve=F.conv2d, normal=torch.clone):
    """The five convolutions and three full layers of both sources, with copied weights."""
    one, two, three, four, five, *full, last = weights_and_biases(model)
    x = F.max_pool2d(normal(F.relu(F.conv2d(x, *one, stride=4, padding=2))), 3, 2)
    x = F.max_pool2d(normal(F.relu(convolve(x, *two, padding=2))), 3, 2)
    x = F.relu(F.conv2d(x, *three, padding=1))
    x = F.relu(convolve(x, *four, padding=1))
    x = F.max_pool2d(F.relu(convolve(x, *five, padding=1)), 3, 2)
    x = F.adaptive_avg_pool2d(x, 6).flatten(1)  # changes nothing at the size of the paper
    for weights in full:
        x = F.relu(F.linear(x, *weights))
    return F.linear(x, *last)


def test_alexnet_computes_what_the_paper_writes(grouped):
    """On two GPUs; the pictures are bright, so that the normalisation counts."""
    images = 300 * torch.randn(1, 3, 224, 224, generator=generator(0))
    with torch.no_grad():
        expected = written_out(grouped, images, in_halves, normalised)
        torch.testing.assert_close(grouped(images), expected, rtol=0, atol=1e-5)
    assert expected.shape == (1, C)
    assert expected.std() > 0.1


def test_one_tower_computes_what_torchvision_computes():
    torch.manual_seed(0)
    model = OneTowerAlexNet(num_classes=C).eval()
    images = torch.randn(B, 3, 127, 131, generator=generator(1))
    with torch.no_grad():
        expected = written_out(model, images)
        torch.testing.assert_close(model(images), expected, rtol=0, atol=1e-6)
    assert expected.shape == (B, C)
    assert expected.std() > 0


@pytest.mark.parametrize("options", [{}, {"padding": 2}, {"padding": 3}], ids=str)
def test_alexnet_takes_the_sizes_that_fill_six_by_six(options):
    """The check of the size is right at both ends: torch's own layers agree."""
    model = on_meta(AlexNet, num_classes=C, **options)
    low, high = (side - 2 * options.get("padding", 0) for side in (227, 258))
    for side in (low, high):
        assert trace_shapes(model, (3, side, low))[-1].shape == (C,)
    for side in (low - 1, high + 1):
        maps = model.features(torch.zeros(1, 3, side, side, device="meta"))
        assert maps.shape[-2:] != (6, 6)
        for sides in ((side, low), (low, side)):
            message = f"images must be {low} to {high} pixels high and wide, got {sides}"
            with pytest.raises(ValueError, match=quoted(message)):
                model(torch.zeros(1, 3, *sides, device="meta"))


@pytest.mark.parametrize(("kind", "places"), [(AlexNet, (2, 5)), (OneTowerAlexNet, (0, 3))])
def test_dropout_is_a_half_unless_told_otherwise(kind, places):
    assert [on_meta(kind).classifier[i].p for i in places] == [0.5, 0.5]
    assert [on_meta(kind, dropout=0.3).classifier[i].p for i in places] == [0.3, 0.3]


def test_parameters_of_the_full_networks():
    """Sums of the tables; the last is the number that torchvision publishes."""
    assert sum(count(PAPER)) == 60_965_224
    assert sum(count(WHOLE)) == 62_378_344
    assert sum(count(TORCHVISION)) == 61_100_840


def test_one_tower_has_the_names_and_shapes_of_torchvision():
    """So that a checkpoint of theirs can be loaded."""
    expected = {}
    for name, kernel in zip(NAMES.split(), TORCHVISION, strict=True):
        expected |= {f"{name}.weight": kernel, f"{name}.bias": kernel[:1]}
    state = on_meta(OneTowerAlexNet).state_dict()
    assert {name: tuple(weight.shape) for name, weight in state.items()} == expected
    assert list(state) == list(expected)


def test_one_tower_layer_by_layer():
    """Each number of an output takes as many products as there are numbers in a kernel."""
    layers = trace_shapes(on_meta(OneTowerAlexNet), (3, 224, 224))
    convolved = sizes("64x55x55 192x27x27 384x13x13 256x13x13 256x13x13")
    assert shapes(layers, "Conv2d") == convolved
    assert shapes(layers, "MaxPool2d") == sizes("64x27x27 192x13x13 256x6x6")
    assert shapes(layers, "AdaptiveAvgPool2d") == sizes("256x6x6")
    assert shapes(layers, "Linear") == sizes("4096 4096 1000")
    assert [layer.multiply_adds for layer in layers if layer.multiply_adds] == [
        side * side * math.prod(kernel)
        for side, kernel in zip((55, 27, 13, 13, 13, 1, 1, 1), TORCHVISION, strict=True)
    ]


def test_one_tower_takes_pictures_from_63_pixels():
    model = on_meta(OneTowerAlexNet, num_classes=C)
    assert model(torch.zeros(1, 3, 63, 67, device="meta")).shape == (1, C)
    for sides in ((67, 62), (62, 67)):
        message = f"images must be at least 63 pixels high and wide, got {sides}"
        with pytest.raises(ValueError, match=quoted(message)):
            model(torch.zeros(1, 3, *sides, device="meta"))


# The small network


OPTIONS = [{}, {"activation": "tanh"}, {"activation": "sigmoid"}, {"pool": 2}, {"norm": True}]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_small_alexnet_is_its_layers_in_order(options):
    """Against torch.nn.functional with copied weights, in float64."""
    torch.manual_seed(0)
    model = random_module(SmallAlexNet(num_classes=C, **options).double().eval())
    weights = list(model.parameters())
    assert [tuple(weight.shape) for weight in weights[::2]] == sizes(
        f"16x1x7x7 32x16x5x5 64x32x3x3 48x64x3x3 256x{48 * 3 * 3} {C}x256"
    )
    bend = getattr(torch, options.get("activation", "relu"))
    normal = normalised if options.get("norm") else torch.clone
    pool = options.get("pool", 3)

    def pooled(x):
        if pool == 3:
            x = F.pad(x, (1, 1, 1, 1), value=-math.inf)
        return x.unfold(2, pool, 2).unfold(3, pool, 2).amax(dim=(-2, -1))

    images = 9 * draw(B, 1, 28, 28)
    x = pooled(normal(bend(F.conv2d(images, *weights[0:2], padding=1))))
    x = pooled(normal(bend(F.conv2d(x, *weights[2:4], padding=2))))
    x = bend(F.conv2d(x, *weights[4:6], padding=1))
    x = pooled(bend(F.conv2d(x, *weights[6:8], padding=1)))
    x = bend(F.linear(x.flatten(1), *weights[8:10]))
    expected = F.linear(x, *weights[10:12])
    found = model(images)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-10)
    slopes, wanted = (torch.autograd.grad(x.square().sum(), weights) for x in (found, expected))
    torch.testing.assert_close(slopes, wanted, rtol=1e-9, atol=1e-9)


def test_small_alexnet_drops_hidden_neurons_in_training_only():
    torch.manual_seed(0)
    images = torch.rand(B, 1, 28, 28, generator=generator(0))
    model = SmallAlexNet()
    assert model.classifier[2].p == 0.5
    assert not torch.equal(model(images), model(images))
    model.eval()
    assert torch.equal(model(images), model(images))
    model = SmallAlexNet(dropout=NEARLY_ONE)  # only the last biases are left, of ten digits
    nn.init.normal_(model.classifier[3].bias)
    assert torch.equal(model(images), model.classifier[3].bias.expand(B, 10))


@pytest.mark.parametrize(
    ("activation", "gain"), [("relu", math.sqrt(2)), ("tanh", 5 / 3), ("sigmoid", 1.0)]
)
def test_small_alexnet_starts_with_numbers_of_equal_size(activation, gain):
    """N(0, gain / sqrt(fan-in)), with a gain of 1 in the last layer; biases are 0."""
    torch.manual_seed(0)
    model = SmallAlexNet(num_classes=101, activation=activation)
    layers = [layer for layer in model.modules() if isinstance(layer, nn.Conv2d | nn.Linear)]
    for layer in layers:
        fan_in = layer.weight[0].numel()
        assert_spread(layer.weight, (1 if layer is layers[-1] else gain) / math.sqrt(fan_in))
        assert not layer.bias.any()
    assert len(layers) == 6


def little():
    return nn.Sequential(
        nn.Conv2d(2, 6, (3, 5), padding=(1, 2), groups=2),
        nn.ReLU(),
        nn.Sequential(nn.MaxPool2d(2), nn.Flatten()),
        nn.Dropout(0.5),
        nn.Linear(6 * 3 * 2, C, bias=False),
    )


def test_trace_lists_layers_in_the_order_they_run():
    assert trace_shapes(little(), (2, 7, 5)) == [
        Layer("0", "Conv2d", (6, 7, 5), 6 * (1 * 3 * 5) + 6, 6 * 7 * 5 * (1 * 3 * 5)),
        Layer("1", "ReLU", (6, 7, 5), 0, 0),
        Layer("2.0", "MaxPool2d", (6, 3, 2), 0, 0),
        Layer("2.1", "Flatten", (36,), 0, 0),
        Layer("3", "Dropout", (36,), 0, 0),
        Layer("4", "Linear", (C,), C * 36, C * 36),
    ]
    without_weights = trace_shapes(nn.MaxPool2d(2), (3, 7, 5))
    assert without_weights == [Layer("", "MaxPool2d", (3, 3, 2), 0, 0)]


def test_a_trace_sends_zeros_through_and_leaves_the_model_as_it_was():
    seen, model = [], nn.Sequential(nn.BatchNorm2d(2), *little()).double()
    handle = model[0].register_forward_hook(lambda _, args, output: seen.extend([*args, output]))
    model[1].eval()
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    drawn = torch.get_rng_state()
    trace_shapes(model, [2, 7, 5])
    message = quoted("input_shape must fit the model, got (2, 9, 5)")
    with pytest.raises(ValueError, match=message) as caught:
        trace_shapes(model, (2, 9, 5))
    assert "shapes cannot be multiplied" in str(caught.value.__cause__)  # the model's own complaint
    assert torch.equal(seen[0], torch.zeros(1, 2, 7, 5, dtype=torch.float64))
    assert not seen[1].requires_grad
    handle.remove()
    assert [module.training for module in model] == [True, False, True, True, True, True]
    assert all(torch.equal(before[name], w) for name, w in model.state_dict().items())
    assert all(not module._forward_hooks for module in model.modules())
    assert torch.equal(torch.get_rng_state(), drawn)  # dropout was off
