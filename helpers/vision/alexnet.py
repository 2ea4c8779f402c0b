"""AlexNet: the network of 2012, the one-tower layout that torchvision ships, and a small sister.

Scope: the two full networks for colour pictures of about 224 by 224 pixels; a small network of the
same ideas for grey digits of 28 by 28; local response normalisation; the shape rule of a
convolution, and a table of what flows through a model.

Sources: Krizhevsky, Sutskever, Hinton, "ImageNet Classification with Deep Convolutional Neural
Networks", NIPS 2012 (the paper, below); Krizhevsky, "One weird trick for parallelizing
convolutional neural networks", 2014, https://arxiv.org/abs/1404.5997; torchvision's layout:
https://pytorch.org/vision/stable/_modules/torchvision/models/alexnet.html

Every network takes pictures and returns logits, one score a class; the softmax is left to the loss.
A nan that meets a window comes out as nan.

Dimensions: ``B`` batch, ``N`` channels of a layer, ``Y`` rows and ``X`` columns of pixels, ``C``
classes.
"""

from collections.abc import Sequence
from typing import Annotated, Any, Literal, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from helpers.contracts import Count, NotNegative, Positive, Share, Size, Such, guard
from helpers.refusals import refusal
from helpers.running import evaluation_mode

__all__ = [
    "AlexNet",
    "Layer",
    "LocalResponseNorm",
    "OneTowerAlexNet",
    "SmallAlexNet",
    "output_size",
    "trace_shapes",
]


def output_size(size: Size, *, kernel: Size, stride: Size = 1, padding: Count = 0) -> int:
    """Return how many places a window has along one side: ``floor((n + 2p - k) / s) + 1``.

    The rule of convolution and of pooling alike, as ``torch.nn`` rounds it: down.

    Args:
        size: pixels along the side, ``n``.
        kernel: width of the window, ``k``.
        stride: pixels from one place of the window to the next, ``s``.
        padding: zeros added at each end, ``p``.
    """
    padded = size + 2 * padding
    if kernel > padded:
        raise refusal("kernel", f"be at most size + 2 * padding = {padded}", kernel)
    return (padded - kernel) // stride + 1


class LocalResponseNorm(nn.Module):
    """Divide each number by a power of the squares at the same place in neighbouring channels.

    ``b_i = a_i / (k + alpha * sum_j a_j^2)^beta``, where ``j`` runs over the ``size`` channels
    around ``i``, as far as they exist.

    Args:
        size: how many channels the sum covers (the paper's ``n``), odd.
        alpha, beta, k: the constants of the formula; the defaults are the paper's.

    Difference from ``torch.nn.LocalResponseNorm``: that one divides ``alpha`` by ``size`` (it takes
    the mean of the squares where the paper's formula takes the sum), and its default for ``k`` is
    1. Krizhevsky's own code divides too, so that this ``alpha`` is five times the code's.

    Source: the formula in section 3.3 of the paper; ``layer.py`` of cuda-convnet2.
    """

    def __init__(
        self,
        size: Annotated[Size, Such("odd (as many channels each side)", lambda n: n % 2)] = 5,
        *,
        alpha: NotNegative = 1e-4,
        beta: NotNegative = 0.75,
        k: Positive = 2.0,
    ) -> None:
        super().__init__()
        self.size, self.alpha, self.beta, self.k = size, alpha, beta, k

    def forward(self, x: Float[Tensor, "B N Y X"]) -> Float[Tensor, "B N Y X"]:
        """Return ``x`` with each number divided."""
        return F.local_response_norm(x, self.size, self.alpha * self.size, self.beta, self.k)

    def extra_repr(self) -> str:
        """Show the constants when the module is printed."""
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"


class AlexNet(nn.Module):
    """The network of 2012: five convolutions and three fully connected layers.

    Args:
        num_classes: number of classes ``C``.
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
        self,
        *,
        num_classes: Size = 1000,
        groups: Literal[1, 2] = 1,
        padding: Count = 0,
        dropout: Share = 0.5,
    ) -> None:
        super().__init__()
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
            nn.Linear(4096, num_classes),
        )
        for layer in (*self.features, *self.classifier):
            if isinstance(layer, nn.Conv2d | nn.Linear):
                nn.init.normal_(layer.weight, std=0.01)
                nn.init.zeros_(layer.get_parameter("bias"))
        for place in ("features.4", "features.10", "features.12", "classifier.0", "classifier.3"):
            nn.init.ones_(self.get_parameter(f"{place}.bias"))

    def forward(self, images: Float[Tensor, "B 3 Y X"]) -> Float[Tensor, "B C"]:
        """Return logits for pictures with sides of 227 to 258 pixels, less twice the padding.

        With them, exactly 6 by 6 places reach the classifier.
        """
        first: Any = self.features[0]
        low, sides = 227 - 2 * first.padding[0], tuple(images.shape[2:])
        if min(sides) < low or max(sides) > low + 31:
            raise refusal("images", f"be {low} to {low + 31} pixels high and wide", sides)
        return self.classifier(self.features(images).flatten(1))  # (B, 9216) -> (B, C)


class OneTowerAlexNet(nn.Module):
    """The layout that torchvision ships: narrower, without normalisation, for any size from 63.

    The names and shapes of the weights are torchvision's, so that a checkpoint of theirs can be
    loaded with ``load_state_dict``.

    Args:
        num_classes: number of classes ``C``.
        dropout: probability of dropping an input of the two hidden fully connected layers.

    Source: torchvision's code, after "One weird trick" (2014); weights start as torch's defaults.
    """

    def __init__(self, *, num_classes: Size = 1000, dropout: Share = 0.5) -> None:
        super().__init__()
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
            nn.Linear(4096, num_classes),
        )

    def forward(self, images: Float[Tensor, "B 3 Y X"]) -> Float[Tensor, "B C"]:
        """Return logits for pictures with sides from 63 pixels up."""
        if min(images.shape[2:]) < 63:
            raise refusal("images", "be at least 63 pixels high and wide", tuple(images.shape[2:]))
        return self.classifier(self.avgpool(self.features(images)).flatten(1))


class SmallAlexNet(nn.Module):
    """AlexNet's ideas at the size of a digit: a wide first kernel, then depth, ReLU and dropout.

    Each option switches one idea of 2012 off or on, and all else stays.

    Args:
        num_classes: number of classes ``C``.
        activation: what stands after every layer but the last.
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
        num_classes: Size = 10,
        activation: Literal["relu", "tanh", "sigmoid"] = "relu",
        pool: Literal[2, 3] = 3,
        norm: bool = False,
        dropout: Share = 0.5,
    ) -> None:
        super().__init__()
        bend = {"relu": nn.ReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid}[activation]
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
            nn.Linear(256, num_classes),
        )
        *hidden, last = (m for m in self.modules() if isinstance(m, nn.Conv2d | nn.Linear))
        for layer in (*hidden, last):
            follows = "linear" if layer is last else activation
            nn.init.kaiming_normal_(layer.weight, nonlinearity=follows)
            nn.init.zeros_(layer.get_parameter("bias"))

    def forward(self, images: Float[Tensor, "B 1 28 28"]) -> Float[Tensor, "B C"]:
        """Return logits for pictures of digits."""
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


def trace_shapes(model: nn.Module, input_shape: Sequence[int]) -> list[Layer]:
    """Send one picture of zeros through a model and list what comes out of each layer.

    A layer is a module without modules of its own, in the order in which they run. The model runs
    with dropout off, and every part is left in the mode it was in. Built under
    ``torch.device("meta")``, a model of any size is traced at once and without memory.

    Args:
        model: takes a batch of pictures.
        input_shape: of one picture, without the batch, such as ``(3, 227, 227)``.
    """
    layers: list[Layer] = []
    names = {module: name for name, module in model.named_modules()}
    own = [module for module in names if not any(module.children())]

    def note(module: nn.Module, _: tuple, output: object) -> None:
        if not isinstance(output, Tensor):
            wanted = "consist of layers that return a tensor"
            raise refusal("model", wanted, type(output).__name__, TypeError)
        products = module.weight[0].numel() if isinstance(module, nn.Conv2d | nn.Linear) else 0
        layers.append(
            Layer(
                name=names[module],
                kind=type(module).__name__,
                shape=tuple(output.shape[1:]),
                parameters=sum(weight.numel() for weight in module.parameters()),
                multiply_adds=output[0].numel() * products,  # behind each number of the output
            )
        )

    handles = [module.register_forward_hook(note) for module in own]
    weight = next(model.parameters(), torch.empty(0))
    try:
        with evaluation_mode(model), torch.no_grad():
            model(torch.zeros(1, *input_shape, dtype=weight.dtype, device=weight.device))
    except RuntimeError as error:
        raise refusal("input_shape", "fit the model", tuple(input_shape)) from error
    finally:
        for handle in handles:
            handle.remove()
    return layers


guard(globals())
