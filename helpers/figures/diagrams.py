"""Pictures made of boxes: the Transformer, a network in two towers, a text with coloured words.

As in ``plotting``: ``Axes`` out, no pyplot, every word an argument.

Source: Vaswani et al., "Attention Is All You Need" (2017), figure 1. The picture is drawn anew; it
adds the letters Q, K and V at the attention boxes and the names of the two stacks.
"""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.patches import Circle, FancyArrowPatch, FancyBboxPatch
from matplotlib.path import Path
from matplotlib.text import Text

from helpers.contracts import Finite, Positive, guard
from helpers.figures.canvas import Values, as_array, as_labels, dress, finish, fold, panels
from helpers.refusals import refusal

__all__ = [
    "ENGLISH",
    "TransformerWords",
    "draw_towers",
    "draw_transformer",
    "plot_token_weights",
]


@dataclass(frozen=True)
class TransformerWords:
    """Every word of the picture, in English unless you pass another."""

    inputs: str = "Inputs"
    outputs: str = "Outputs (shifted right)"
    input_embedding: str = "Input Embedding"
    output_embedding: str = "Output Embedding"
    positional_encoding: str = "Positional Encoding"
    attention: str = "Multi-Head Attention"
    masked_attention: str = "Masked Multi-Head Attention"
    feed_forward: str = "Feed Forward"
    add_norm: str = "Add & Norm"
    encoder: str = "Encoder"
    decoder: str = "Decoder"
    repeat: str = "N×"  # noqa: RUF001 - the sign the paper uses
    linear: str = "Linear"
    softmax: str = "Softmax"
    probabilities: str = "Output Probabilities"
    query: str = "Q"
    key: str = "K"
    value: str = "V"


ENGLISH = TransformerWords()

# Lengths are inches of the picture at its natural size.
_WIDTH, _HEIGHT = 6.4, 7.1
_ENCODER, _DECODER = 1.75, 4.65  # x of the two stacks
_BOX = 1.6  # width of a box
_PORT = 0.45  # from the middle of an attention box to its outer arrows
_BYPASS = 1.0  # from the middle of a stack to its residual connections
_EMBEDDED = 1.28  # y of the circle that adds the positional encoding
_LAYER = 1.55  # y where the layers begin
_INK = "#333333"
# Pale tints, so that black words stay readable; the words, not the colours, carry the meaning.
_TINT = {
    "embedding": "#F6DCE8",
    "attention": "#FBDDB5",
    "norm": "#FBF6C4",
    "feed": "#CDE7F7",
    "linear": "#DEDDF0",
    "softmax": "#CDEBDD",
    "frame": "#F4F4F4",
}
_RISE = 0.5  # from a layer of a tower to the next
_SIZE = 9.0  # of a token, in points
_NARROWEST = 0.5  # inches of axes that a token or its beginning fits into


class _Pen:
    """Draws boxes, arrows and words into an axes whose unit is an inch of the natural size."""

    def __init__(self, ax: Axes) -> None:
        self.ax = ax
        self.unit = abs(ax.transData.transform((1, 0))[0] - ax.transData.transform((0, 0))[0])
        self.scale = self.unit / ax.figure.dpi

    def words(self, x: Finite, y: Finite, words: str, width: Finite, size: Finite = 9.0) -> Text:
        """Write centred words, in several lines and smaller if they do not fit the width."""
        text = self.ax.text(x, y, words, size=size * self.scale, ha="center", va="center", zorder=4)
        text.set(multialignment="center", parse_math=False)
        dress(text)
        fold(text, width * self.unit)
        if (extent := text.get_window_extent().width) > width * self.unit:
            text.set_fontsize(size * self.scale * width * self.unit / extent)
        return text

    def box(self, x: Finite, y: Finite, height: Finite, words: str, tint: str) -> float:
        """Draw a box that is centred on ``x`` and stands on ``y``; return the y of its top."""
        corner = (x - _BOX / 2, y)
        style = "round,pad=0,rounding_size=0.06"
        patch = FancyBboxPatch(corner, _BOX, height, boxstyle=style, gid="box", zorder=3)
        patch.set(facecolor=_TINT[tint], edgecolor=_INK, linewidth=self.scale)
        self.ax.add_patch(patch)
        text = self.words(x, y + height / 2, words, _BOX - 0.12)
        tall = text.get_window_extent().height / (0.9 * height * self.unit)
        if tall > 1:
            text.set_fontsize(text.get_fontsize() / tall)
        return y + height

    def frame(self, x: Finite, side: int, bottom: Finite, top: Finite) -> None:
        """Draw the grey frame around a layer, wider on the side of the residual connections."""
        left = x - 0.98 if side > 0 else x - _BYPASS - 0.18
        size = (0.98 + _BYPASS + 0.18, top - bottom)
        style = "round,pad=0,rounding_size=0.12"
        patch = FancyBboxPatch((left, bottom), *size, boxstyle=style, gid="frame", zorder=1)
        patch.set(facecolor=_TINT["frame"], edgecolor="#999999", linewidth=self.scale)
        self.ax.add_patch(patch)

    def arrow(self, *points: tuple[Finite, Finite]) -> None:
        """Draw straight lines through the points, with a head at the last."""
        style = "-|>,head_length=0.35,head_width=0.18"
        arrow = FancyArrowPatch(path=Path(points), arrowstyle=style, mutation_scale=14 * self.scale)
        arrow.set(color=_INK, linewidth=1.1 * self.scale, joinstyle="miter", capstyle="butt")
        arrow.set(zorder=2, gid="arrow")
        self.ax.add_patch(arrow)

    def fork(self, x: Finite, y: Finite) -> None:
        """Mark where a line divides."""
        self.ax.add_patch(Circle((x, y), 0.03, color=_INK, zorder=2))

    def circle(self, x: Finite, y: Finite, radius: Finite, inside: np.ndarray) -> None:
        """Draw a circle with a line through the points ``inside`` (2, N), given in radii."""
        patch = Circle((x, y), radius, facecolor="white", edgecolor=_INK, zorder=3)
        patch.set_linewidth(1.1 * self.scale)
        self.ax.add_patch(patch)
        across, up = radius * inside
        self.ax.plot(x + across, y + up, color=_INK, linewidth=1.1 * self.scale, zorder=4)


def _embedding(pen: _Pen, x: Finite, side: int, source: str, name: str, position: str) -> None:
    """Draw the way from the tokens to the first layer; the positions join on ``side``."""
    pen.words(x, 0.16, source, 2.4)
    pen.arrow((x, 0.3), (x, 0.52))
    top = pen.box(x, 0.52, 0.36, name, "embedding")
    pen.arrow((x, top), (x, _EMBEDDED - 0.12))
    plus = np.array([[-1, 1, np.nan, 0, 0], [0, 0, np.nan, -1, 1]])
    pen.circle(x, _EMBEDDED, 0.12, plus)
    phase = np.linspace(-1, 1, 41)
    wave = np.stack([phase * 0.8, 0.5 * np.sin(np.pi * phase)])
    pen.circle(x + side * 0.72, _EMBEDDED, 0.17, wave)
    pen.arrow((x + side * 0.55, _EMBEDDED), (x + side * 0.12, _EMBEDDED))
    pen.words(x + side * 1.3, _EMBEDDED, position, 0.75, size=8)


def _sublayer(
    pen: _Pen, x: Finite, side: int, bottom: Finite, name: str, words: TransformerWords, kind: str
) -> float:
    """Draw a sub-layer, its residual connection and its Add & Norm; return the y of the top.

    Args:
        bottom: y where the layer's input arrives.
        kind: "self" (one line becomes query, key and value), "cross" (only the query comes from
            below) or "feed".
    """
    attention = kind != "feed"
    line = x + side * _PORT if kind == "cross" else x
    start = _EMBEDDED + 0.12 if bottom == _LAYER else bottom
    split, floor = bottom + 0.12, bottom + (0.52 if attention else 0.32)
    letters = {-_PORT: words.value, 0.0: words.key, _PORT: words.query}
    if kind == "self":
        spread = bottom + 0.26
        pen.arrow((x, start), (x, floor))
        for offset in (-_PORT, _PORT):
            pen.arrow((x, spread), (x + offset, spread), (x + offset, floor))
    else:
        pen.arrow((line, start), (line, floor))
    for offset, letter in letters.items() if attention else ():
        pen.words(x + offset + 0.1, floor - 0.13, letter, 0.18, size=7)
    height, tint = (0.44, "attention") if attention else (0.34, "feed")
    top = pen.box(x, floor, height, name, tint)
    norm = top + 0.17
    pen.arrow((x, top), (x, norm))
    above = pen.box(x, norm, 0.26, words.add_norm, "norm")
    pen.fork(line, split)
    outer, middle = x + side * _BYPASS, norm + 0.13
    pen.arrow((line, split), (outer, split), (outer, middle), (x + side * _BOX / 2, middle))
    return above


def _stacks(pen: _Pen, words: TransformerWords) -> float:
    """Draw both stacks and the way from the encoder to the decoder; return the decoder's top."""
    left = _sublayer(pen, _ENCODER, -1, _LAYER, words.attention, words, "self")
    left = _sublayer(pen, _ENCODER, -1, left, words.feed_forward, words, "feed")
    crossing = _sublayer(pen, _DECODER, 1, _LAYER, words.masked_attention, words, "self")
    right = _sublayer(pen, _DECODER, 1, crossing, words.attention, words, "cross")
    right = _sublayer(pen, _DECODER, 1, right, words.feed_forward, words, "feed")
    stacks = ((_ENCODER, -1, left, words.encoder), (_DECODER, 1, right, words.decoder))
    for x, side, top, name in stacks:
        pen.frame(x, side, _LAYER - 0.05, top + 0.14)
        pen.words(x + side * 0.8, top + 0.27, name, 1.0, size=10)
        pen.words(x + side * 1.42, (_LAYER + top) / 2, words.repeat, 0.4, size=11)
    between, turn, floor = 3.18, crossing + 0.26, crossing + 0.52
    up = left + 0.42
    pen.arrow(
        (_ENCODER, left),
        (_ENCODER, up),
        (between, up),
        (between, turn),
        (_DECODER, turn),
        (_DECODER, floor),
    )
    pen.arrow((_DECODER - _PORT, turn), (_DECODER - _PORT, floor))
    return right


def draw_transformer(
    *, title: str, words: TransformerWords = ENGLISH, ax: Axes | None = None
) -> Axes:
    """Draw the architecture of the encoder-decoder Transformer.

    Each layer is post-norm, as in the paper: the sub-layer's input bypasses it and is added to its
    output before the normalisation.

    Args:
        words: every other word of the picture.
    """
    if ax is None:
        ax = panels(width=_WIDTH, height=_HEIGHT + 0.3)[0, 0]
    ax.set(xlim=(0, _WIDTH), ylim=(0, _HEIGHT), aspect="equal")
    ax.set_axis_off()
    finish(ax, title=title, xlabel="", ylabel="")
    ax.figure.figure.draw_without_rendering()  # settles the layout, so that words can be measured
    pen = _Pen(ax)
    _embedding(pen, _ENCODER, -1, words.inputs, words.input_embedding, words.positional_encoding)
    _embedding(pen, _DECODER, 1, words.outputs, words.output_embedding, words.positional_encoding)
    y = _stacks(pen, words)
    for name, tint, gap in ((words.linear, "linear", 0.42), (words.softmax, "softmax", 0.24)):
        pen.arrow((_DECODER, y), (_DECODER, y + gap))
        y = pen.box(_DECODER, y + gap, 0.28, name, tint)
    pen.arrow((_DECODER, y), (_DECODER, y + 0.24))
    pen.words(_DECODER, y + 0.38, words.probabilities, 2.4)
    return ax


def draw_towers(
    left: Collection[str],
    right: Collection[str],
    *,
    source: str,
    target: str,
    crossing: Collection[int],
    title: str,
    ax: Axes | None = None,
) -> Axes:
    """Draw a network whose layers stand in two towers side by side, from the bottom up.

    Args:
        left, right: the words of each layer, the lowest first.
        source, target: what the lowest layers read, and what reads the highest ones.
        crossing: the layers, counted from 0, that read both towers; the others read their own.
    """
    if not len(left):
        raise refusal("left", "hold at least one text", left)
    left = as_labels("left", left, len(left))
    right = as_labels("right", right, len(left))
    middle, sides, top = 2.4, (1.3, 3.5), 0.1 + _RISE * (len(left) + 2)
    if ax is None:
        ax = panels(width=2 * middle, height=top + 0.3)[0, 0]
    ax.set(xlim=(0, 2 * middle), ylim=(0, top), aspect="equal")
    ax.set_axis_off()
    finish(ax, title=title, xlabel="", ylabel="")
    ax.figure.figure.draw_without_rendering()  # settles the layout, so that words can be measured
    pen, floor = _Pen(ax), 0.1
    roof = pen.box(middle, floor, 0.28, source, "embedding")
    for layer, pair in enumerate(zip(left, right, strict=True)):
        floor += _RISE
        for x, words in zip(sides, pair, strict=True):
            starts = sides if layer in crossing else (x,)
            for start in starts if layer else (middle,):
                pen.arrow((start, roof), (x, floor))
            pen.box(x, floor, 0.28, words, "attention" if x == sides[0] else "feed")
        roof = floor + 0.28
    for x in sides:
        pen.arrow((x, roof), (middle, floor + _RISE))
    pen.box(middle, floor + _RISE, 0.28, target, "linear")
    return ax


def plot_token_weights(
    tokens: Collection[str],
    weights: Values,
    *,
    title: str,
    xlabel: str,
    limit: Positive | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Write a text with each token on its own colour: orange-red below zero, blue above.

    Args:
        tokens: the ``N`` tokens in reading order. One that is wider than a line is cut off.
        weights: ``(N,)``, such as what the score loses when the token is hidden.
        xlabel: what the weights measure, written under the colour bar.
        limit: the weight of the darkest colours; the largest magnitude by default.
        ax: when given, it has to be tall enough for the text.
    """
    weights = as_array("weights", weights, 1)
    tokens = as_labels("tokens", tokens, weights.size)
    reach = np.abs(weights).max()
    if limit is not None and limit < reach:
        raise refusal("limit", f"be at least {reach:.4g}", limit)
    reach = limit or reach or 1
    own = ax is None
    if ax is None:
        ax = panels(width=6.4, height=4.0)[0, 0]
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set_visible(False)
    colours = ScalarMappable(Normalize(-reach, reach), "RdBu")
    bar = ax.figure.colorbar(
        colours, ax=ax, label=xlabel, orientation="horizontal", shrink=0.6, aspect=40, pad=0.02
    )
    dress(bar.ax)
    finish(ax, title=title, xlabel="", ylabel="")
    figure = ax.figure.figure  # the whole one, where the axes stand in a part of it
    figure.draw_without_rendering()  # settles the width of the axes, and with it the lines
    frame, dpi = ax.get_window_extent(), figure.dpi
    if frame.width < _NARROWEST * dpi:
        raise refusal("ax", f"be at least {_NARROWEST} inches wide", frame.width / dpi)
    lines: float = _write(ax, tokens, colours.to_rgba(weights))
    pitch = 1.9 * _SIZE * dpi / 72  # pixels from line to line
    if own:
        height = figure.get_figheight() + (lines * pitch - frame.height) / dpi
        figure.set_figheight(np.ceil(10 * height) / 10)  # the same on every machine
    elif lines * pitch > frame.height:
        raise refusal("ax", f"have room for {lines} lines of tokens", int(frame.height // pitch))
    else:
        lines = frame.height / pitch
    ax.set(xlim=(0, frame.width), ylim=(lines, 0))
    return ax


def _write(ax: Axes, tokens: Collection[str], colours: np.ndarray) -> int:
    """Write each token on a box of its colour; return how many lines that takes.

    The places are pixels from the left and lines from the top.
    """
    width, gap = ax.get_window_extent().width, 7 * ax.figure.dpi / 72
    x, line = 0.0, 0
    for token, colour in zip(tokens, colours, strict=True):
        ink = "white" if colour[:3] @ np.array([0.299, 0.587, 0.114]) < 0.5 else "black"
        text = ax.text(0, 0, token, size=_SIZE, color=ink, va="center_baseline", parse_math=False)
        text.set_bbox({"facecolor": colour, "edgecolor": "none", "pad": 2})
        dress(text)
        while (extent := text.get_window_extent().width) + gap > width:
            fitting = int(len(text.get_text()) * (width - gap) / extent)
            text.set_text(text.get_text()[: fitting - 2] + "\N{HORIZONTAL ELLIPSIS}")
        if x + extent + gap > width:
            x, line = 0.0, line + 1
        text.set_position((x + gap / 2, line + 0.5))
        x += extent + gap
    return line + 1


guard(globals())
