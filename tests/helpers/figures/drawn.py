"""What the tests draw: each drawing function with words and with data made by arithmetic."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from helpers import figures
from helpers.figures import COLOURS, canvas, panels


@dataclass
class Call:
    """A call of a drawing function that can be made again, in other words or in other axes."""

    function: Callable
    texts: str = ""  # the title | the label below | the label at the left
    given: Sequence = ()
    options: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        texts = self.texts.split(" | ") if self.texts else ()
        named = dict(zip(("title", "xlabel", "ylabel"), texts, strict=False))
        self.options = named | self.options
        self.size = self.options.pop("size", None)  # of the axes in inches; else the figure's own

    def draw(self, say: Callable[[str], str] = str, **changes: Any) -> Axes:
        """Draw with every text changed by ``say``."""
        options = self.options | changes
        spoken = options.keys() - {"xscale", "yscale", "colormap"}  # which are no words
        options |= {name: said(options[name], say) for name in spoken}
        drawn = self.function(*(said(value, say) for value in self.given), **options)
        return drawn[0] if isinstance(drawn, np.ndarray) else drawn

    def draw_at_its_size(self) -> Axes:
        ax = self.size and panels(width=self.size[0], height=self.size[1])[0, 0]
        return self.draw(ax=ax) if ax else self.draw()


def said(value: Any, say: Callable[[str], str]) -> Any:
    match value:
        case str():
            return say(value)
        case list():
            return [said(each, say) for each in value]
        case dict():
            return {say(name): each for name, each in value.items()}
        case figures.TransformerWords():
            return figures.TransformerWords(**{key: say(word) for key, word in vars(value).items()})
    return value


def words(texts: Iterable[Text]) -> list[str]:
    return [text.get_text() for text in texts]


def box(artist: Artist) -> Bbox:
    return artist.get_window_extent()


def inside(inner: Bbox, outer: Bbox, slack: float) -> bool:
    return bool((inner.min >= outer.min - slack).all() and (inner.max <= outer.max + slack).all())


def spread(*shape: int) -> np.ndarray:
    """Return distinct numbers from 0 up to 1, not in order; 37 must not divide their count."""
    count = np.prod(shape)
    return (np.arange(count) * 37 % count / count).reshape(shape)


def weights(*shape: int) -> np.ndarray:
    """Return rows of positive numbers that sum to one."""
    raw = 0.05 + spread(*shape) ** 4
    return raw / raw.sum(axis=-1, keepdims=True)


def four_panels() -> Axes:
    (top, right), (left, low) = panels(2, 2, width=4.8, height=4.0)
    for ax in (right, left):
        ax.set_axis_off()
    top.stackplot([0, 1, 2], [[1, 2, 3], [3, 1, 2]], colors=COLOURS[:2])
    figures.finish(
        top, title="A title of many words is broken into lines", xlabel="time", ylabel="sum"
    )
    low.plot([2, 0, 1], color=COLOURS[2])
    canvas.label_ticks(low, "x", ["a long name", "another one", "$x$"])
    figures.finish(low, title="Names stand upright", xlabel="", ylabel="height")
    note = left.text(0.1, 0.5, "A note in several lines, and $a^2$")
    canvas.dress(note)
    canvas.fold(note, 90)
    return top


LOSSES = {
    "training": [2.9, 2.2, 1.7, 1.3, 1.0, 0.8, 0.7],
    "validation": [3.0, 2.4, 2.0, 1.8, 1.9, 2.1, 2.4],
}
COSTS = {"cost": [3, 50, 700, 12_000, 190_000]}
SLOPES = {f"slope {slope}": slope * np.arange(29) / 28 for slope in range(len(COLOURS))}
TURNS = 2 * np.pi * np.arange(11) / 11
RING = np.stack([np.cos(TURNS), np.sin(TURNS)], axis=1)
RINGS = {"real": RING, "made": 0.6 * RING[:7] + [0.3, 0.1]}
PATH = np.stack([np.arange(13) * 0.8 ** np.arange(13), np.arange(13) / 13], axis=1)
LENGTHS = {"negative": [1, 1, 1, 2, 3, 3, 5], "positive": [2, 4, 4, 6, 6, 6, 6, 7, 7, 8, 11]}
GRID = np.add.outer(np.arange(11) ** 2, 7 * np.arange(17))
MASK = np.tril(np.ones((3, 5), dtype=bool), k=1)
SEEN = np.where(MASK, "see", "-").tolist()
WAVES = 0.9 * np.sin(np.arange(17)[:, None] / 1.7 ** np.arange(11))
RAMP = np.linspace(-3, 2, 35).reshape(5, 7)
REVIEW = "i had no hopes , and it is a wonderful , wonderful surprise ! $"
EFFECTS = [0.0, 0.1, -0.9, -0.6, 0.2, 0.0, 0.1, 0.3, 0.0, 1.2, -0.2, 1.3, 0.8, 0.5, -1.3]
MIDDLE = (3.4, 2.5)

PICTURES = {
    "lines": Call(
        figures.plot_lines,
        "The validation loss turns after epoch 4 | epoch | loss (nats)",
        [range(1, 8), LOSSES],
        {"hlines": {"floor": 0.5}, "vlines": {"stop": 4}, "size": (3.8, 2.7)},
    ),
    "lines_on_log_scales": Call(
        figures.plot_lines,
        "Cost grows with the square of $d_k$ | $d_k$ | products",
        [[2, 8, 32, 128, 512], COSTS],
        {"xscale": "log", "yscale": "log", "size": MIDDLE},
    ),
    "lines_of_every_colour": Call(
        figures.plot_lines,
        "Seven slopes from one point | x | slope times x",
        [np.arange(29) / 28, SLOPES],
        {"size": (3.2, 2.6)},
    ),
    "scatter": Call(
        figures.plot_scatter,
        "The made points miss the lower left | first | second",
        [RINGS],
        {"limits": (-1.5, 1.9), "size": (3.0, 3.0)},
    ),
    "scatter_of_one_series": Call(
        figures.plot_scatter,
        "Out and back | first | second",
        [{"path": PATH}],
        {"size": (3.4, 2.2)},
    ),
    "bars": Call(
        figures.plot_bars,
        "Counting words is hard to beat | points gained | model",
        [["guess", "count", "forget"], [5.7, 8.9, -1.2]],
        {"digits": 1, "vlines": {"chance": 5, "others": 7.5}, "size": (4.2, 2.1)},
    ),
    "bars_at_their_own_size": Call(
        figures.plot_bars,
        "The third layer holds most of the weights | millions",
        [["first", "second", "third"], [3, 7, 29]],
        {"digits": 0},
    ),
    "histogram": Call(
        figures.plot_histogram,
        "Positive reviews are longer | sentences | reviews",
        [LENGTHS],
        {"bins": [0, 2, 4, 6, 8, 14], "vlines": {"cut": 5.5}, "size": MIDDLE},
    ),
    "histogram_of_one_series": Call(
        figures.plot_histogram,
        "Small squares are common | square | numbers",
        [{"squares": np.arange(30) ** 2}],
        {"bins": 7, "size": MIDDLE},
    ),
    "heatmap_with_numbers": Call(
        figures.plot_heatmap,
        "Counted row by row | column | row",
        [np.arange(-6, 9).reshape(3, 5)],
        {"rows": list("abc"), "columns": list("pqrst"), "limits": (-8, 8)}
        | {"colormap": "RdBu", "colorbar": "value"},
    ),
    "heatmap_without_numbers": Call(
        figures.plot_heatmap,
        "Darker to the lower right | column | row",
        [GRID],
        {"size": (3.4, 2.3)},
    ),
    "mask_with_words": Call(
        figures.plot_heatmap,
        "No look ahead | key | query",
        [MASK],
        {"cells": SEEN, "square": False, "colorbar": None, "size": (3.2, 2.0)},
    ),
    "attention": Call(
        figures.plot_attention,
        "No word gets half of the weight | attended word | word to be written",
        [weights(3, 5)],
        {"queries": ["il", "$", "chat"], "keys": ["the", "cat", "$5", "sat", "."]},
    ),
    "attention_with_many_tokens": Call(
        figures.plot_attention,
        "The weight is spread | key | query",
        [weights(11, 13)],
        {"queries": [f"query {i}" for i in range(11)], "keys": [f"key {i}" for i in range(13)]}
        | {"vmax": 0.5, "colorbar": None, "size": (3.2, 3.0)},
    ),
    "attention_heads": Call(
        figures.plot_attention_heads,
        given=[weights(5, 3, 4)],
        options={"titles": [f"head {i}" for i in range(1, 6)], "xlabel": "key", "ylabel": "query"}
        | {"queries": list("xyz"), "keys": list("abcd"), "colorbar": "weight"},
    ),
    "positional_encoding": Call(
        figures.plot_positional_encoding,
        "The waves grow longer to the right | dimension | position",
        [WAVES],
        {"size": MIDDLE},
    ),
    "confusion_matrix": Call(
        figures.plot_confusion_matrix,
        "Fair is taken for bad | predicted | true",
        [[[41, 2, 0], [5, 23, 3], [0, 0, 0]]],
        {"classes": ["bad", "fair", "good"], "colorbar": "share of the row"},
    ),
    "images": Call(
        figures.plot_images,
        "Later pictures are darker | pictures | rows",
        [spread(5, 7, 5) * np.arange(1, 6)[:, None, None]],
        {"columns": 3, "captions": [f"no. {i}" for i in range(1, 6)], "rows": ["first", "second"]},
    ),
    "signed_images": Call(
        figures.plot_images,
        "Dark below zero",
        [[RAMP, RAMP[::-1], -RAMP]],
        {"columns": 3, "signed": True},
    ),
    "transformer": Call(
        figures.draw_transformer,
        "Two stacks, joined by attention",
        options={"words": figures.TransformerWords(), "size": (5.2, 5.9)},
    ),
    "towers": Call(
        figures.draw_towers,
        "The third layer reads both towers",
        [["48 maps", "128 maps", "192 maps"], ["other 48 maps", "$128 maps", "192"]],
        {"source": "a picture", "target": "1000 scores", "crossing": [2]},
    ),
    "token_weights": Call(
        figures.plot_token_weights,
        "Praise is blue, doubt is red | effect on the score",
        [REVIEW.split(), EFFECTS],
    ),
    "token_weights_in_narrow_axes": Call(
        figures.plot_token_weights,
        "A long word is cut off | effect",
        [["short", "immeasurably" * 4, "end"], [-0.5, 0.5, 1.0]],
        {"limit": 2.0, "size": (3.0, 2.0)},
    ),
    "panels": Call(four_panels),
}
