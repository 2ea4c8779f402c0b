"""AlexNet: the network of 2012, the one-tower layout that torchvision ships, and a small sister.

Scope: the two full networks for colour pictures of about 224 by 224 pixels; a small network of the
same ideas for grey digits of 28 by 28; local response normalisation; the shape rule of a
convolution, and a table of what flows through a model.

Sources: Krizhevsky, Sutskever, Hinton, "ImageNet Classification with Deep Convolutional Neural
Networks", NIPS 2012 (the paper, below); Krizhevsky, "One weird trick for parallelizing
convolutional neural networks", 2014, https://arxiv.org/abs/1404.5997; torchvision's layout:
https://pytorch.org/vision/stable/_modules/torchvision/models/alexnet.html

Every network takes pictures ``(B, channels, Y, X)`` and returns logits ``(B, C)``, one score a
class; the softmax is left to the loss. A nan that meets a window comes out as nan.

Dimensions: ``B`` batch, ``N`` channels of a layer, ``Y`` rows and ``X`` columns of pixels, ``C``
classes.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from helpers.checks import check_flag, check_floats, check_in_range, check_int, check_module, shown
from helpers.modes import evaluation_mode

__all__ = [
    "AlexNet",
    "Layer",
    "LocalResponseNorm",
    "OneTowerAlexNet",
    "SmallAlexNet",
    "output_size",
    "trace_shapes",
]


def output_size(size: int, *, kernel: int, stride: int = 1, padding: int = 0) -> int:
    """Return how many places a window has along one side: ``floor((n + 2p - k) / s) + 1``.

    The rule of convolution and of pooling alike, as ``torch.nn`` rounds it: down.

    Args:
        size: pixels along the side, ``n``.
        kernel: width of the window, ``k``.
        stride: pixels from one place of the window to the next, ``s``.
        padding: zeros added at each end, ``p``.

    Raises:
        ValueError: the window does not fit even once.
    """
    padded = check_int("size", size) + 2 * check_int("padding", padding, minimum=0)
    kernel = check_int("kernel", kernel)
    if kernel > padded:
        raise ValueError(f"kernel must be at most size + 2 * padding = {padded}, got {kernel}")
    return (padded - kernel) // check_int("stride", stride) + 1


class LocalResponseNorm(nn.Module):
    """Divide each number by a power of the squares at the same place in neighbouring channels.

    ``b_i = a_i / (k + alpha * sum_j a_j^2)^beta``, where ``j`` runs over the ``size`` channels
    around ``i``, as far as they exist.

    Args:
        size: how many channels the sum covers (the paper's ``n``), odd.
        alpha, beta, k: the constants of the formula; the defaults are the paper's.

    Difference from ``torch.nn.LocalResponseNorm``: that one divides ``alpha`` by ``size`` (it takes
    the mean of the squares where the paper takes the sum), and its default for ``k`` is 1.

    Source: section 3.3 of the paper.
    """

    def __init__(
        self, size: int = 5, *, alpha: float = 1e-4, beta: float = 0.75, k: float = 2.0
    ) -> None:
        super().__init__()
        if check_int("size", size) % 2 == 0:
            raise ValueError(f"size must be odd (a channel and as many each side), got {size}")
        self.size = int(size)
        self.alpha = check_in_range("alpha", alpha, 0, math.inf)
        self.beta = check_in_range("beta", beta, 0, math.inf)
        self.k = check_in_range("k", k, 0, math.inf)
        if self.k == 0 or self.beta * abs(math.log2(self.k)) > 126:
            raise ValueError(
                f"k must keep k**beta above 0 and finite in float32, got k={k} with beta={beta}"
            )
        if self.alpha * self.size > torch.finfo(torch.float32).max:
            raise ValueError(f"alpha must keep size * alpha finite in float32, got {alpha}")

    def forward(self, x: Tensor) -> Tensor:
        """Return ``(B, N, Y, X)`` for ``x`` of shape ``(B, N, Y, X)``."""
        check_floats("x", x, ("B", "N", "Y", "X"))
        if x.dtype not in (torch.float32, torch.float64):
            raise TypeError(f"x must be float32 or float64, got {x.dtype}")
        return F.local_response_norm(x, self.size, self.alpha * self.size, self.beta, self.k)

    def extra_repr(self) -> str:
        """Show the constants when the module is printed."""
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"


class AlexNet(nn.Module):
    """The network of 2012: five convolutions and three fully connected layers.

    ``forward(images)`` takes ``(B, 3, Y, X)`` and returns ``(B, classes)``.

    Args:
        classes: number of classes ``C``.
        groups: 1 connects every kernel to all channels of the layer before; 2 is the paper's
            network, where the kernels of layers 2, 4 and 5 see only the half of the channels that
            was on their own GPU.
        padding: zeros around the picture. Without any, a side of 227 pixels gives the paper's 55 by
            55 places in layer 1; the paper's 224 pixels need 2.
        dropout: probability of dropping a neuron of the two hidden fully connected layers.

    The weights are drawn as in section 5: normal with standard deviation 0.01, biases 1 in
    convolutions 2, 4 and 5 and in the hidden fully connected layers, 0 elsewhere.

    Differences from the paper: one tower on one device; normalisation reaches across the border
    between the halves, as the formula has it; dropout scales up in training, as torch does, where
    the paper halves in testing.

    Source: section 3.5 and figure 2 of the paper; dropout in section 4.2.
    """

    def __init__(
        self, *, classes: int = 1000, groups: int = 1, padding: int = 0, dropout: float = 0.5
    ) -> None:
        super().__init__()
        classes = check_int("classes", classes)
        if check_int("groups", groups) not in (1, 2):
            raise ValueError(f"groups must be 1 or 2, got {groups}")
        padding = check_int("padding", padding, minimum=0)
        dropout = check_in_range("dropout", dropout, 0, 1)
        self.features = nn.Sequential(  # shapes are for 227 pixels without padding
            nn.Conv2d(3, 96, kernel_size=11, stride=4, padding=padding),  # (B, 96, 55, 55)
            nn.ReLU(),
            LocalResponseNorm(),
            nn.MaxPool2d(kernel_size=3, stride=2),  # (B, 96, 27, 27)
            nn.Conv2d(96, 256, kernel_size=5, padding=2, groups=groups),  # (B, 256, 27, 27)
            nn.ReLU(),
            LocalResponseNorm(),
            nn.MaxPool2d(kernel_size=3, stride=2),  # (B, 256, 13, 13)
            nn.Conv2d(256, 384, kernel_size=3, padding=1),  # (B, 384, 13, 13)
            nn.ReLU(),
            nn.Conv2d(384, 384, kernel_size=3, padding=1, groups=groups),  # (B, 384, 13, 13)
            nn.ReLU(),
            nn.Conv2d(384, 256, kernel_size=3, padding=1, groups=groups),  # (B, 256, 13, 13)
            nn.ReLU(),
            nn.MaxPool2d(kernel_size=3, stride=2),  # (B, 256, 6, 6)
        )
        self.classifier = nn.Sequential(
            nn.Linear(256 * 6 * 6, 4096),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(4096, 4096),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(4096, classes),
        )
        for layer in (*self.features, *self.classifier):
            if isinstance(layer, nn.Conv2d | nn.Linear):
                nn.init.normal_(layer.weight, std=0.01)
                nn.init.zeros_(layer.bias)
        for layer in (*(self.features[i] for i in (4, 10, 12)), *self.classifier[:4:3]):
            nn.init.ones_(layer.bias)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits ``(B, C)`` for ``images`` of shape ``(B, 3, Y, X)``.

        Raises:
            ValueError: the shape does not fit; sides of 227 to 258 pixels do, less twice the
                padding, because exactly 6 by 6 places must reach the classifier.
            TypeError: no tensor, or of another dtype than the weights.
        """
        low = 227 - 2 * self.features[0].padding[0]
        _check_images(images, self.features[0].weight, low, low + 31)
        return self.classifier(self.features(images).flatten(1))  # (B, 9216) -> (B, C)


class OneTowerAlexNet(nn.Module):
    """The layout that torchvision ships: narrower, without normalisation, for any size from 63.

    ``forward(images)`` takes ``(B, 3, Y, X)`` and returns ``(B, classes)``. The names and shapes of
    the weights are torchvision's, so that a checkpoint of theirs can be loaded with
    ``load_state_dict``.

    Args:
        classes: number of classes ``C``.
        dropout: probability of dropping an input of the two hidden fully connected layers.

    Source: torchvision's code, after "One weird trick" (2014); weights start as torch's defaults.
    """

    def __init__(self, *, classes: int = 1000, dropout: float = 0.5) -> None:
        super().__init__()
        classes = check_int("classes", classes)
        dropout = check_in_range("dropout", dropout, 0, 1)
        self.features = nn.Sequential(  # shapes are for 224 pixels
            nn.Conv2d(3, 64, kernel_size=11, stride=4, padding=2),  # (B, 64, 55, 55)
            nn.ReLU(),
            nn.MaxPool2d(kernel_size=3, stride=2),  # (B, 64, 27, 27)
            nn.Conv2d(64, 192, kernel_size=5, padding=2),  # (B, 192, 27, 27)
            nn.ReLU(),
            nn.MaxPool2d(kernel_size=3, stride=2),  # (B, 192, 13, 13)
            nn.Conv2d(192, 384, kernel_size=3, padding=1),  # (B, 384, 13, 13)
            nn.ReLU(),
            nn.Conv2d(384, 256, kernel_size=3, padding=1),  # (B, 256, 13, 13)
            nn.ReLU(),
            nn.Conv2d(256, 256, kernel_size=3, padding=1),  # (B, 256, 13, 13)
            nn.ReLU(),
            nn.MaxPool2d(kernel_size=3, stride=2),  # (B, 256, 6, 6)
        )
        self.avgpool = nn.AdaptiveAvgPool2d(6)  # (B, 256, 6, 6) whatever came in
        self.classifier = nn.Sequential(
            nn.Dropout(dropout),
            nn.Linear(256 * 6 * 6, 4096),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(4096, 4096),
            nn.ReLU(),
            nn.Linear(4096, classes),
        )

    def forward(self, images: Tensor) -> Tensor:
        """Return logits ``(B, C)`` for ``images`` of shape ``(B, 3, Y, X)``, sides from 63 up.

        Raises:
            ValueError: the shape does not fit.
            TypeError: no tensor, or of another dtype than the weights.
        """
        _check_images(images, self.features[0].weight, 63)
        return self.classifier(self.avgpool(self.features(images)).flatten(1))


class SmallAlexNet(nn.Module):
    """AlexNet's ideas at the size of a digit: a wide first kernel, then depth, ReLU and dropout.

    ``forward(images)`` takes ``(B, 1, 28, 28)`` and returns ``(B, classes)``. Each option switches
    one idea of 2012 off or on, and all else stays.

    Args:
        classes: number of classes ``C``.
        activation: "relu", "tanh" or "sigmoid", after every layer but the last.
        pool: width of the pooling windows, which stand 2 pixels apart: 3 lets them overlap (with a
            frame around, so that the shapes stay the same), 2 does not.
        norm: apply `LocalResponseNorm` after the first two convolutions.
        dropout: probability of dropping a neuron of the hidden fully connected layer.

    The weights are drawn so that numbers neither die out nor blow up from layer to layer: normal
    with variance ``gain^2 / fan-in``, biases 0; the gain is ``sqrt(2)`` for ReLU, ``5/3`` for tanh
    and 1 for the sigmoid and the last layer. The paper's 0.01 suits its own widths only.

    Source: ours. The start is that of He et al., "Delving Deep into Rectifiers", 2015,
    https://arxiv.org/abs/1502.01852, with the gains of ``torch.nn.init.calculate_gain``.
    """

    def __init__(
        self,
        *,
        classes: int = 10,
        activation: str = "relu",
        pool: int = 3,
        norm: bool = False,
        dropout: float = 0.5,
    ) -> None:
        super().__init__()
        classes = check_int("classes", classes)
        bends = {"relu": nn.ReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid}
        if not isinstance(activation, str) or activation not in bends:
            raise ValueError(f"activation must be one of {list(bends)}, got {shown(activation)}")
        if check_int("pool", pool) not in (2, 3):
            raise ValueError(f"pool must be 2 or 3, got {pool}")
        check_flag("norm", norm)
        dropout = check_in_range("dropout", dropout, 0, 1)
        bend = bends[activation]
        normalise = LocalResponseNorm if norm else nn.Identity
        around = pool - 2  # a frame that no maximum comes from: both widths give the same shapes
        self.features = nn.Sequential(
            nn.Conv2d(1, 16, kernel_size=7, padding=1),  # (B, 16, 24, 24)
            bend(),
            normalise(),
            nn.MaxPool2d(pool, stride=2, padding=around),  # (B, 16, 12, 12)
            nn.Conv2d(16, 32, kernel_size=5, padding=2),  # (B, 32, 12, 12)
            bend(),
            normalise(),
            nn.MaxPool2d(pool, stride=2, padding=around),  # (B, 32, 6, 6)
            nn.Conv2d(32, 64, kernel_size=3, padding=1),  # (B, 64, 6, 6)
            bend(),
            nn.Conv2d(64, 48, kernel_size=3, padding=1),  # (B, 48, 6, 6)
            bend(),
            nn.MaxPool2d(pool, stride=2, padding=around),  # (B, 48, 3, 3)
        )
        self.classifier = nn.Sequential(
            nn.Linear(48 * 3 * 3, 256),
            bend(),
            nn.Dropout(dropout),
            nn.Linear(256, classes),
        )
        *hidden, last = (m for m in self.modules() if isinstance(m, nn.Conv2d | nn.Linear))
        for layer in (*hidden, last):
            follows = "linear" if layer is last else activation
            nn.init.kaiming_normal_(layer.weight, nonlinearity=follows)
            nn.init.zeros_(layer.bias)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits ``(B, C)`` for ``images`` of shape ``(B, 1, 28, 28)``.

        Raises:
            ValueError: the shape does not fit.
            TypeError: no tensor, or of another dtype than the weights.
        """
        _check_images(images, self.features[0].weight, 28, 28)
        return self.classifier(self.features(images).flatten(1))  # (B, 432) -> (B, C)


class Layer(NamedTuple):
    """One line of `trace_shapes`.

    Attributes:
        name: where the layer stands in the model, such as ``features.0``.
        kind: the name of its class, such as ``Conv2d``.
        shape: of its output for one picture, without the batch.
        parameters: how many numbers it learns.
        multiply_adds: how many products it adds up for one picture, biases not counted; 0 for
            every layer but ``Conv2d`` and ``Linear``.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    parameters: int
    multiply_adds: int


def trace_shapes(model: nn.Module, input_shape: tuple[int, ...]) -> list[Layer]:
    """Send one picture of zeros through a model and list what comes out of each layer.

    A layer is a module without modules of its own, in the order in which they run. The model runs
    with dropout off, and every part is left in the mode it was in. Built under
    ``torch.device("meta")``, a model of any size is traced at once and without memory.

    Args:
        model: takes a batch of pictures.
        input_shape: of one picture, without the batch, such as ``(3, 227, 227)``.

    Raises:
        ValueError, TypeError: the picture does not fit the model.
    """
    check_module("model", model)
    if not isinstance(input_shape, tuple | list):
        raise TypeError(f"input_shape must be a tuple of sizes, got {shown(input_shape)}")
    sizes = [check_int(f"input_shape[{axis}]", size) for axis, size in enumerate(input_shape)]
    layers: list[Layer] = []
    names = {module: name for name, module in model.named_modules()}
    own = [module for module in names if not any(module.children())]

    def note(module: nn.Module, _: tuple, output: Tensor) -> None:
        if not isinstance(output, Tensor):
            got = type(output).__name__
            raise TypeError(f"model must consist of layers that return a tensor, got a {got}")
        weights = {id(weight): weight.numel() for weight in module.parameters()}
        per_number = 0
        if isinstance(module, nn.Conv2d | nn.Linear):
            per_number = module.weight[0].numel()  # the products behind each number that comes out
        layers.append(
            Layer(
                name=names[module],
                kind=type(module).__name__,
                shape=tuple(output.shape[1:]),
                parameters=sum(weights.values()),
                multiply_adds=output[0].numel() * per_number,
            )
        )

    handles = [module.register_forward_hook(note) for module in own]
    weight = next(model.parameters(), torch.empty(0))
    try:
        with evaluation_mode(model), torch.no_grad():
            model(torch.zeros(1, *sizes, dtype=weight.dtype, device=weight.device))
    except RuntimeError as error:
        raise ValueError(f"input_shape must fit the model, got {tuple(sizes)}") from error
    finally:
        for handle in handles:
            handle.remove()
    return layers


def _check_images(
    images: Tensor, weight: Tensor, smallest: int, largest: int | None = None
) -> None:
    """Check that pictures fit the first layer's ``weight`` ``(N, channels, k, k)`` and in size."""
    check_floats("images", images, ("B", weight.shape[1], "Y", "X"), weight)
    sides = images.shape[2:]
    if min(sides) < smallest or (largest is not None and max(sides) > largest):
        wanted = f"{smallest} or more" if largest is None else f"{smallest} to {largest}"
        wanted = f"{smallest}" if smallest == largest else wanted
        raise ValueError(
            f"images must be {wanted} pixels high and wide, got {sides[0]} by {sides[1]}"
        )
