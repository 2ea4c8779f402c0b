"""helpers.vision.alexnet: tables derived by hand, the paper's formulas written out, and laws."""

import math
import re
from itertools import pairwise

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
from torch_reference import NEARLY_ONE, generator, random_module

B, N, Y, X, C = 2, 7, 5, 3, 11  # distinct primes
META = torch.device("meta")

law = settings(max_examples=30)
seeds = st.integers(0, 2**32 - 1)

# The paper's network, section 3.5 and figure 2: kernels x (kernel's numbers) and a bias for each.
PAPER = {
    "features.0": 96 * (11 * 11 * 3) + 96,
    "features.4": 256 * (5 * 5 * 48) + 256,
    "features.8": 384 * (3 * 3 * 256) + 384,
    "features.10": 384 * (3 * 3 * 192) + 384,
    "features.12": 256 * (3 * 3 * 192) + 256,
    "classifier.0": 4096 * (6 * 6 * 256) + 4096,
    "classifier.3": 4096 * 4096 + 4096,
    "classifier.6": 1000 * 4096 + 1000,
}
# The same without the two halves: layers 2, 4 and 5 see all 96, 384 and 384 channels.
WHOLE = PAPER | {
    "features.4": 256 * (5 * 5 * 96) + 256,
    "features.10": 384 * (3 * 3 * 384) + 384,
    "features.12": 256 * (3 * 3 * 384) + 256,
}
# torchvision/models/alexnet.py, pytorch.org/vision/stable/_modules/torchvision/models/alexnet.html
TORCHVISION = {
    "features.0.weight": (64, 3, 11, 11),
    "features.0.bias": (64,),
    "features.3.weight": (192, 64, 5, 5),
    "features.3.bias": (192,),
    "features.6.weight": (384, 192, 3, 3),
    "features.6.bias": (384,),
    "features.8.weight": (256, 384, 3, 3),
    "features.8.bias": (256,),
    "features.10.weight": (256, 256, 3, 3),
    "features.10.bias": (256,),
    "classifier.1.weight": (4096, 9216),
    "classifier.1.bias": (4096,),
    "classifier.4.weight": (4096, 4096),
    "classifier.4.bias": (4096,),
    "classifier.6.weight": (1000, 4096),
    "classifier.6.bias": (1000,),
}


def on_meta(kind, **options):
    """Build a model without memory: shapes only."""
    with META:
        return kind(**options)


def quoted(text):
    return f"^{re.escape(text)}$"


def draw(*shape, seed=0):
    return torch.randn(shape, generator=generator(seed), dtype=torch.float64)


def learned(layers):
    return {layer.name: layer.parameters for layer in layers if layer.parameters}


def shapes(layers, *kinds):
    return [layer.shape for layer in layers if layer.kind in kinds]


# The shape rule


@law
@given(
    size=st.integers(1, 23),
    kernel=st.integers(1, 11),
    stride=st.integers(1, 5),
    padding=st.integers(0, 3),
)
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


def test_output_size_of_the_first_layer():
    """224 gives 54, one too few; 227, or two zeros around 224, give the paper's 55."""
    assert output_size(224, kernel=11, stride=4) == 54
    assert output_size(227, kernel=11, stride=4) == 55
    assert output_size(224, kernel=11, stride=4, padding=2) == 55


def test_output_size_by_default_moves_by_one_and_pads_nothing():
    assert output_size(13, kernel=5) == 9
    assert output_size(5, kernel=5) == 1


# Local response normalisation


def normalised(x, size, alpha, beta, k):
    """Section 3.3 written out: channel by channel."""
    result = torch.empty_like(x)
    for i in range(x.shape[1]):
        low, high = max(0, i - size // 2), min(x.shape[1] - 1, i + size // 2)
        squares = sum(x[:, j] ** 2 for j in range(low, high + 1))
        result[:, i] = x[:, i] / (k + alpha * squares) ** beta
    return result


@law
@given(
    size=st.sampled_from([1, 3, 5, 13]),
    alpha=st.floats(0, 3),
    beta=st.floats(0, 2),
    k=st.floats(0.5, 3),
    seed=seeds,
)
def test_local_response_norm_is_the_formula(size, alpha, beta, k, seed):
    x = draw(B, N, Y, X, seed=seed)
    found = LocalResponseNorm(size, alpha=alpha, beta=beta, k=k)(x)
    torch.testing.assert_close(found, normalised(x, size, alpha, beta, k), rtol=0, atol=1e-12)


def test_the_constants_are_the_papers():
    """Large numbers, as in the paper's network, so that the sum counts."""
    x = 100 * draw(B, N, Y, X)
    expected = normalised(x, 5, 1e-4, 0.75, 2)
    torch.testing.assert_close(LocalResponseNorm()(x), expected, rtol=0, atol=1e-10)
    assert repr(LocalResponseNorm()) == "LocalResponseNorm(5, alpha=0.0001, beta=0.75, k=2.0)"


def test_torch_divides_alpha_by_the_size():
    """The mistake to know: the same constants in torch.nn are another function."""
    x = 100 * draw(B, N, Y, X)
    ours = LocalResponseNorm()(x)
    same_words = nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75, k=2)(x)
    same_function = nn.LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=2)(x)
    torch.testing.assert_close(ours, same_function, rtol=0, atol=1e-12)
    assert ((ours - same_words).abs() / ours.abs()).max() > 0.1


def test_local_response_norm_keeps_places_and_far_channels_apart():
    x = draw(B, N, Y, X)
    before = LocalResponseNorm(3, alpha=1.0)(x)
    x[1, 2, 4, 1] += 1
    moved = (LocalResponseNorm(3, alpha=1.0)(x) != before).nonzero().tolist()
    assert moved == [[1, 1, 4, 1], [1, 2, 4, 1], [1, 3, 4, 1]]


# The full networks: what flows through them


@pytest.mark.parametrize(("side", "padding"), [(227, 0), (224, 2)])
@pytest.mark.parametrize(("groups", "expected"), [(1, WHOLE), (2, PAPER)])
def test_alexnet_layer_by_layer(groups, expected, side, padding):
    layers = trace_shapes(on_meta(AlexNet, groups=groups, padding=padding), (3, side, side))
    assert learned(layers) == expected
    assert shapes(layers, "Conv2d") == [
        (96, 55, 55),
        (256, 27, 27),
        (384, 13, 13),
        (384, 13, 13),
        (256, 13, 13),
    ]
    assert shapes(layers, "MaxPool2d") == [(96, 27, 27), (256, 13, 13), (256, 6, 6)]
    assert shapes(layers, "LocalResponseNorm") == [(96, 55, 55), (256, 27, 27)]
    assert shapes(layers, "Linear") == [(4096,), (4096,), (1000,)]


def test_alexnet_by_default_is_whole_and_pads_nothing():
    assert learned(trace_shapes(on_meta(AlexNet), (3, 227, 227))) == WHOLE
    assert on_meta(AlexNet).features[0].padding == (0, 0)


@pytest.mark.parametrize("kind", [AlexNet, OneTowerAlexNet, SmallAlexNet])
def test_a_relu_stands_behind_every_layer_with_weights_but_the_last(kind):
    model = on_meta(kind)
    layers = [*model.features, *model.classifier]
    behind = [
        type(following)
        for layer, following in pairwise(layers)
        if isinstance(layer, nn.Conv2d | nn.Linear)
    ]
    assert behind == [nn.ReLU] * (5 if kind is SmallAlexNet else 7)
    assert isinstance(layers[-1], nn.Linear)


def test_parameters_of_the_full_networks():
    """Sums of the hand-derived tables; the last is the number that torchvision publishes."""
    assert sum(PAPER.values()) == 60_965_224
    assert sum(WHOLE.values()) == 62_378_344
    assert sum(math.prod(shape) for shape in TORCHVISION.values()) == 61_100_840


def test_one_tower_has_the_names_and_shapes_of_torchvision():
    """So that a checkpoint of theirs can be loaded."""
    state = on_meta(OneTowerAlexNet).state_dict()
    assert {name: tuple(weight.shape) for name, weight in state.items()} == TORCHVISION
    assert list(state) == list(TORCHVISION)


def test_one_tower_layer_by_layer():
    layers = trace_shapes(on_meta(OneTowerAlexNet), (3, 224, 224))
    assert [layer.kind for layer in layers] == (
        ["Conv2d", "ReLU", "MaxPool2d"] * 2
        + ["Conv2d", "ReLU"] * 3
        + ["MaxPool2d", "AdaptiveAvgPool2d"]
        + ["Dropout", "Linear", "ReLU"] * 2
        + ["Linear"]
    )
    assert shapes(layers, "Conv2d", "MaxPool2d", "AdaptiveAvgPool2d", "Linear") == [
        (64, 55, 55),
        (64, 27, 27),
        (192, 27, 27),
        (192, 13, 13),
        (384, 13, 13),
        (256, 13, 13),
        (256, 13, 13),
        (256, 6, 6),
        (256, 6, 6),
        (4096,),
        (4096,),
        (1000,),
    ]


def torchvision_forward(weights, x):
    """torchvision's forward in testing, from its published source: dropout is not there."""

    def layer(name, x, **options):
        return F.relu(F.conv2d(x, weights[f"{name}.weight"], weights[f"{name}.bias"], **options))

    x = F.max_pool2d(layer("features.0", x, stride=4, padding=2), 3, 2)
    x = F.max_pool2d(layer("features.3", x, padding=2), 3, 2)
    x = layer("features.6", x, padding=1)
    x = layer("features.8", x, padding=1)
    x = F.max_pool2d(layer("features.10", x, padding=1), 3, 2)
    x = torch.flatten(F.adaptive_avg_pool2d(x, (6, 6)), 1)
    for number in (1, 4, 6):
        name = f"classifier.{number}"
        x = F.linear(x, weights[f"{name}.weight"], weights[f"{name}.bias"])
        x = x if number == 6 else F.relu(x)
    return x


@pytest.fixture(scope="module")
def one_tower():
    torch.manual_seed(0)
    return OneTowerAlexNet(num_classes=C).eval()


def test_one_tower_computes_what_torchvision_computes(one_tower):
    images = torch.randn(B, 3, 127, 131, generator=generator(1))
    with torch.no_grad():
        expected = torchvision_forward(one_tower.state_dict(), images)
        torch.testing.assert_close(one_tower(images), expected, rtol=0, atol=1e-6)
    assert expected.shape == (B, C)
    assert expected.std() > 0


def test_one_tower_takes_pictures_from_63_pixels(one_tower):
    with torch.no_grad():
        assert one_tower(torch.zeros(1, 3, 63, 67)).shape == (1, C)
    message = "images must be at least 63 pixels high and wide, got (67, 62)"
    with pytest.raises(ValueError, match=quoted(message)):
        one_tower(torch.zeros(1, 3, 67, 62))


def test_one_tower_drops_inputs_of_both_hidden_layers():
    model = on_meta(OneTowerAlexNet, dropout=0.3)
    assert [type(layer).__name__ for layer in model.classifier] == (
        ["Dropout", "Linear", "ReLU"] * 2 + ["Linear"]
    )
    assert [model.classifier[i].p for i in (0, 3)] == [0.3, 0.3]
    assert [on_meta(OneTowerAlexNet).classifier[i].p for i in (0, 3)] == [0.5, 0.5]


@pytest.fixture(scope="module")
def grouped():
    """A full network of the paper, with real weights: about 200 MB."""
    torch.manual_seed(0)
    return AlexNet(num_classes=C, groups=2, padding=2).eval()


def test_the_start_is_the_papers(grouped):
    """Section 5: N(0, 0.01); biases 1 in convolutions 2, 4, 5 and hidden layers, 0 elsewhere."""
    ones = {"features.4", "features.10", "features.12", "classifier.0", "classifier.3"}
    checked = 0
    for name, layer in grouped.named_modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            count = layer.weight.numel()
            assert abs(layer.weight.mean()) < 5 * 0.01 / math.sqrt(count)
            assert abs(layer.weight.std() - 0.01) < 5 * 0.01 / math.sqrt(2 * count)
            assert (layer.weight.abs() > 0.02).float().mean() == pytest.approx(0.0455, abs=0.01)
            assert layer.bias.unique().tolist() == [float(name in ones)]
            checked += 1
    assert checked == 8


def test_the_full_network_runs_on_224_pixels(grouped):
    images = torch.randn(1, 3, 224, 224, generator=generator(0))
    with torch.no_grad():
        logits = grouped(images)
        assert torch.equal(logits, grouped(images))  # dropout is off
    assert logits.shape == (1, C)
    assert logits.std() > 0


def test_a_grouped_network_is_two_half_towers(grouped):
    """With copied weights: each half of layer 2 sees its half of layer 1, as on two GPUs."""
    for index in (4, 10, 12):
        layer = grouped.features[index]
        x = torch.randn(1, layer.in_channels, 7, 5, generator=generator(index))
        halves = [
            F.conv2d(half, weight, bias, padding=layer.padding)
            for half, weight, bias in zip(
                x.chunk(2, 1), layer.weight.chunk(2), layer.bias.chunk(2), strict=True
            )
        ]
        torch.testing.assert_close(layer(x), torch.cat(halves, 1), rtol=0, atol=1e-5)


def test_only_layer_3_and_what_follows_crosses_the_border(grouped):
    """A change in the second half of layer 1 leaves the first half of layer 2 as it was."""
    changed = torch.randn(1, 96, 11, 11, generator=generator(0))
    maps = changed.clone()
    changed[:, 48:] += 1
    with torch.no_grad():
        before, after = grouped.features[4](maps), grouped.features[4](changed)
        assert torch.equal(before[:, :128], after[:, :128])
        assert not torch.equal(before[:, 128:], after[:, 128:])
        before, after = (F.relu(x)[..., :7, :7] for x in (before, after))
        third = [grouped.features[8](x) for x in (before, after)]
    assert (third[0] != third[1]).any(dim=(0, 2, 3)).all()


def test_dropout_of_the_paper_drops_outputs_of_both_hidden_layers():
    model = on_meta(AlexNet, dropout=0.3)
    assert [type(layer).__name__ for layer in model.classifier] == (
        ["Linear", "ReLU", "Dropout"] * 2 + ["Linear"]
    )
    assert [model.classifier[i].p for i in (2, 5)] == [0.3, 0.3]
    assert [on_meta(AlexNet).classifier[i].p for i in (2, 5)] == [0.5, 0.5]


@pytest.mark.parametrize("padding", [0, 2, 3])
def test_alexnet_takes_the_sizes_that_fill_six_by_six(padding):
    """The check of the size is right at both ends: torch's own layers agree."""
    model = on_meta(AlexNet, num_classes=C, padding=padding)
    low, high = 227 - 2 * padding, 258 - 2 * padding
    for side in (low, high):
        assert trace_shapes(model, (3, side, low))[-1].shape == (C,)
    for side in (low - 1, high + 1):
        maps = model.features(torch.zeros(1, 3, side, side, device="meta"))
        assert maps.shape[-2:] != (6, 6)
        message = f"images must be {low} to {high} pixels high and wide, got ({side}, {low})"
        with pytest.raises(ValueError, match=quoted(message)):
            model(torch.zeros(1, 3, side, low, device="meta"))


def test_a_move_by_the_stride_moves_the_features(grouped):
    """Four pixels to the right in the picture are one place to the right in layer 1."""
    images = torch.randn(1, 3, 61, 59, generator=generator(0))
    with torch.no_grad():
        maps, moved = (grouped.features[0](x) for x in (images, images.roll(4, dims=3)))
    inner = slice(2, -2)  # far from what went over the edge
    torch.testing.assert_close(moved[..., 3:-1], maps[..., inner], rtol=0, atol=1e-6)


# The small network


OPTIONS = [
    {},
    {"activation": "tanh"},
    {"activation": "sigmoid"},
    {"pool": 2},
    {"norm": True},
    {"dropout": 0.0},
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_small_alexnet_layer_by_layer(options):
    """Each option leaves all shapes and parameters as they are."""
    layers = trace_shapes(SmallAlexNet(num_classes=C, **options), (1, 28, 28))
    assert learned(layers) == {
        "features.0": 16 * (7 * 7 * 1) + 16,
        "features.4": 32 * (5 * 5 * 16) + 32,
        "features.8": 64 * (3 * 3 * 32) + 64,
        "features.10": 48 * (3 * 3 * 64) + 48,
        "classifier.0": 256 * (48 * 3 * 3) + 256,
        "classifier.3": C * 256 + C,
    }
    assert shapes(layers, "Conv2d", "MaxPool2d", "Linear") == [
        (16, 24, 24),
        (16, 12, 12),
        (32, 12, 12),
        (32, 6, 6),
        (64, 6, 6),
        (48, 6, 6),
        (48, 3, 3),
        (256,),
        (C,),
    ]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_small_alexnet_is_its_layers_in_order(options):
    """Against torch.nn.functional with copied weights, in float64."""
    torch.manual_seed(0)
    model = random_module(SmallAlexNet(num_classes=C, **options).double().eval())
    weights = list(model.parameters())
    bend = getattr(torch, options.get("activation", "relu"))
    pool = options.get("pool", 3)

    def pooled(x):
        if pool == 3:
            x = F.pad(x, (1, 1, 1, 1), value=-math.inf)
        return x.unfold(2, pool, 2).unfold(3, pool, 2).amax(dim=(-2, -1))

    def normal(x):
        return normalised(x, 5, 1e-4, 0.75, 2) if options.get("norm") else x

    images = 9 * draw(B, 1, 28, 28)
    x = pooled(normal(bend(F.conv2d(images, *weights[0:2], padding=1))))
    x = pooled(normal(bend(F.conv2d(x, *weights[2:4], padding=2))))
    x = bend(F.conv2d(x, *weights[4:6], padding=1))
    x = pooled(bend(F.conv2d(x, *weights[6:8], padding=1)))
    x = bend(F.linear(x.flatten(1), *weights[8:10]))
    expected = F.linear(x, *weights[10:12])
    torch.testing.assert_close(model(images), expected, rtol=0, atol=1e-10)


def test_small_alexnet_drops_hidden_neurons_in_training_only():
    torch.manual_seed(0)
    images = torch.rand(B, 1, 28, 28, generator=generator(0))
    model = SmallAlexNet(num_classes=C)
    assert model.classifier[2].p == 0.5
    assert not torch.equal(model(images), model(images))
    model.eval()
    assert torch.equal(model(images), model(images))
    model = SmallAlexNet(num_classes=C, dropout=NEARLY_ONE)  # only the last biases are left
    nn.init.normal_(model.classifier[3].bias)
    assert torch.equal(model(images), model.classifier[3].bias.expand(B, C))


@pytest.mark.parametrize(
    ("activation", "gain"), [("relu", math.sqrt(2)), ("tanh", 5 / 3), ("sigmoid", 1.0)]
)
def test_small_alexnet_starts_with_numbers_of_equal_size(activation, gain):
    """N(0, gain / sqrt(fan-in)), with a gain of 1 in the last layer; biases are 0."""
    torch.manual_seed(0)
    model = SmallAlexNet(num_classes=101, activation=activation)
    layers = [layer for layer in model.modules() if isinstance(layer, nn.Conv2d | nn.Linear)]
    for layer in layers:
        count, fan_in = layer.weight.numel(), layer.weight[0].numel()
        expected = (1 if layer is layers[-1] else gain) / math.sqrt(fan_in)
        assert layer.weight.std().item() == pytest.approx(expected, rel=5 / math.sqrt(2 * count))
        assert abs(layer.weight.mean()) < 5 * expected / math.sqrt(count)
        assert not layer.bias.any()
    assert len(layers) == 6


def test_small_alexnet_learns():
    """Three classes of noise, each with a bar of ink at its own height."""
    torch.manual_seed(0)
    model = SmallAlexNet(num_classes=3, dropout=0.0)
    labels = torch.arange(12) % 3
    images = torch.rand(12, 1, 28, 28, generator=generator(0)) / 2
    for image, label in zip(images, labels, strict=True):
        image[:, 9 * label : 9 * label + 9] += 0.5
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    for _ in range(30):
        optimizer.zero_grad()
        F.cross_entropy(model(images), labels).backward()
        optimizer.step()
    assert torch.equal(model(images).argmax(dim=1), labels)


# All three

MODELS = [(AlexNet, 3, 227), (OneTowerAlexNet, 3, 224), (SmallAlexNet, 1, 28)]
all_models = pytest.mark.parametrize(
    ("kind", "channels", "side"), MODELS, ids=[kind.__name__ for kind, _, _ in MODELS]
)


@all_models
def test_default_classes_and_device(kind, channels, side):
    model = on_meta(kind)
    classes = 10 if kind is SmallAlexNet else 1000
    assert model(torch.zeros(B, channels, side, side, device="meta")).shape == (B, classes)


# Tracing


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


def test_a_trace_leaves_the_model_as_it_was():
    model = little().double()
    model[3].eval()
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    trace_shapes(model, [2, 7, 5])
    assert [module.training for module in model] == [True, True, True, False, True]
    assert all(torch.equal(before[name], w) for name, w in model.state_dict().items())
    assert all(not module._forward_hooks for module in model.modules())
    message = quoted("input_shape must fit the model, got (2, 9, 5)")
    with pytest.raises(ValueError, match=message) as caught:
        trace_shapes(model, (2, 9, 5))
    assert "shapes cannot be multiplied" in str(caught.value.__cause__)  # the model's own complaint
    assert [module.training for module in model] == [True, True, True, False, True]
    assert all(not module._forward_hooks for module in model.modules())


def test_a_trace_draws_nothing_and_needs_no_gradient():
    """Dropout is off while tracing: the global generator stands where it stood."""
    state = torch.get_rng_state()
    model = nn.Sequential(nn.Dropout(0.5), nn.BatchNorm1d(3))
    trace_shapes(model, (3,))
    assert torch.equal(torch.get_rng_state(), state)
    assert model[1].num_batches_tracked == 0
    seen = []
    model[1].register_forward_hook(lambda *_: seen.append(torch.is_grad_enabled()))
    trace_shapes(model, (3,))
    assert seen == [False]


def test_one_picture_of_zeros_is_sent_through_the_model():
    seen = []
    model = nn.Conv2d(X, 1, 1)  # and its products are counted, however few there are
    model.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    assert trace_shapes(model, (X, 7, Y)) == [Layer("", "Conv2d", (1, 7, Y), X + 1, 7 * Y * X)]
    assert torch.equal(seen[0], torch.zeros(1, X, 7, Y))


def test_a_model_without_weights_can_be_traced():
    assert trace_shapes(nn.MaxPool2d(2), (3, 7, 5)) == [Layer("", "MaxPool2d", (3, 3, 2), 0, 0)]


def test_products_of_the_full_network():
    """Derived by hand: places x channels x numbers of a kernel; Linear: in x out."""
    layers = trace_shapes(on_meta(OneTowerAlexNet), (3, 224, 224))
    assert [layer.multiply_adds for layer in layers if layer.multiply_adds] == [
        55 * 55 * 64 * (11 * 11 * 3),
        27 * 27 * 192 * (5 * 5 * 64),
        13 * 13 * 384 * (3 * 3 * 192),
        13 * 13 * 256 * (3 * 3 * 384),
        13 * 13 * 256 * (3 * 3 * 256),
        4096 * 9216,
        4096 * 4096,
        1000 * 4096,
    ]
