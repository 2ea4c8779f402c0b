"""The figures look as they did: each drawing function against a stored picture, pixel by pixel.

The pictures stand in ``baselines``. When a figure is meant to change, draw them anew, as
CONTRIBUTING says, and look at each that changed.

What a picture depends on besides the helpers is fixed here: matplotlib's own style, backend and
font, and data made by arithmetic. (Chinese words stand in no picture, since their font is the
machine's; test_plotting.py draws them.) After a failure ``build/figures`` holds what was drawn,
what was expected, and the difference.
"""

import importlib
import io
from inspect import getmembers, isfunction, signature
from pathlib import Path

import matplotlib.style
import numpy as np
import pytest
from matplotlib.image import imread
from matplotlib.testing.compare import calculate_rms

from helpers import figures
from helpers.figures import canvas
from helpers.figures.canvas import dress, finish, fold, label_ticks, panels
from helpers.figures.diagrams import draw_transformer, plot_token_weights
from helpers.figures.heatmaps import (
    plot_attention,
    plot_attention_heads,
    plot_confusion_matrix,
    plot_heatmap,
    plot_positional_encoding,
)
from helpers.figures.pictures import plot_images
from helpers.figures.plotting import COLOURS, plot_bars, plot_histogram, plot_lines, plot_scatter

BASELINES = Path(__file__).with_name("baselines")

# Root mean square over the pixels, each channel from 0 to 255. It leaves room for edges of letters
# and lines that another processor shades a little differently; the least of CHANGES gives more.
TOLERANCE = 0.3

SAVED = {"dpi": 72, "pil_kwargs": {"optimize": True}}

compared = pytest.mark.mpl_image_compare(
    baseline_dir=BASELINES.name,
    style="default",
    backend="agg",
    tolerance=TOLERANCE,
    deterministic=True,  # no version of matplotlib in the file
    savefig_kwargs=SAVED,
)


@pytest.fixture(autouse=True)
def _nothing_of_this_machine(monkeypatch):
    monkeypatch.setattr(canvas, "CJK_FONTS", ())
    with matplotlib.style.context("default", after_reset=True):
        yield


def small(width=3.4, height=2.5):
    return panels(width=width, height=height)[0, 0]


def spread(*shape):
    """Return distinct numbers from 0 up to 1, not in order; 37 must not divide their count."""
    count = np.prod(shape)
    return (np.arange(count) * 37 % count / count).reshape(shape)


def weights(*shape):
    """Return rows of positive numbers that sum to one."""
    raw = 0.05 + spread(*shape) ** 4
    return raw / raw.sum(axis=-1, keepdims=True)


# ------------------------------------------------------------------------------------- plotting


@compared
def test_lines():
    ax = plot_lines(
        range(1, 8),
        {
            "training": [2.9, 2.2, 1.7, 1.3, 1.0, 0.8, 0.7],
            "validation": [3.0, 2.4, 2.0, 1.8, 1.9, 2.1, 2.4],
        },
        title="The validation loss turns after epoch 4",
        xlabel="epoch",
        ylabel="loss (nats)",
        hlines={"floor": 0.5},
        vlines={"stop": 4},
        ax=small(3.8, 2.7),
    )
    return ax.figure


@compared
def test_lines_on_log_scales():
    widths = [2, 8, 32, 128, 512]
    ax = plot_lines(
        widths,
        {"cost": [3, 50, 700, 12_000, 190_000]},
        title="Cost grows with the square of $d_k$",
        xlabel="$d_k$",
        ylabel="products",
        xscale="log",
        yscale="log",
        ax=small(),
    )
    return ax.figure


@compared
def test_lines_of_every_colour():
    x = np.arange(29) / 28
    ax = plot_lines(
        x,
        {f"slope {slope}": slope * x for slope in range(len(COLOURS))},
        title="Seven slopes from one point",
        xlabel="x",
        ylabel="slope times x",
        ax=small(3.2, 2.6),
    )
    return ax.figure


@compared
def test_scatter():
    turns = 2 * np.pi * np.arange(11) / 11
    ring = np.stack([np.cos(turns), np.sin(turns)], axis=1)
    ax = plot_scatter(
        {"real": ring, "made": 0.6 * ring[:7] + [0.3, 0.1]},
        title="The made points miss the lower left",
        xlabel="first",
        ylabel="second",
        limits=(-1.5, 1.9),
        ax=small(3.0, 3.0),
    )
    return ax.figure


@compared
def test_scatter_of_one_series():
    steps = np.arange(13)
    ax = plot_scatter(
        {"path": np.stack([steps * 0.8**steps, steps / 13], axis=1)},
        title="Out and back",
        xlabel="first",
        ylabel="second",
        ax=small(3.4, 2.2),
    )
    return ax.figure


@compared
def test_bars():
    ax = plot_bars(
        ["guess", "count", "forget"],
        [5.7, 8.9, -1.2],
        title="Counting words is hard to beat",
        xlabel="points gained",
        ylabel="model",
        digits=1,
        vlines={"chance": 5, "others": 7.5},
        ax=small(4.2, 2.1),
    )
    return ax.figure


@compared
def test_bars_at_their_own_size():
    ax = plot_bars(
        ["first", "second", "third"],
        [3, 7, 29],
        title="The third layer holds most of the weights",
        xlabel="millions",
        digits=0,
    )
    return ax.figure


@compared
def test_histogram():
    ax = plot_histogram(
        {"negative": [1, 1, 1, 2, 3, 3, 5], "positive": [2, 4, 4, 6, 6, 6, 6, 7, 7, 8, 11]},
        title="Positive reviews are longer",
        xlabel="sentences",
        ylabel="reviews",
        bins=[0, 2, 4, 6, 8, 14],
        vlines={"cut": 5.5},
        ax=small(),
    )
    return ax.figure


@compared
def test_histogram_of_one_series():
    ax = plot_histogram(
        {"squares": np.arange(30) ** 2},
        title="Small squares are common",
        xlabel="square",
        ylabel="numbers",
        bins=7,
        ax=small(),
    )
    return ax.figure


# ------------------------------------------------------------------------------------- heatmaps


@compared
def test_heatmap_with_numbers():
    ax = plot_heatmap(
        np.arange(-6, 9).reshape(3, 5),
        title="Counted row by row",
        xlabel="column",
        ylabel="row",
        rows=["a", "b", "c"],
        columns=["p", "q", "r", "s", "t"],
        limits=(-8, 8),
        colormap="RdBu",
        colorbar="value",
    )
    return ax.figure


@compared
def test_heatmap_without_numbers():
    ax = plot_heatmap(
        np.add.outer(np.arange(11) ** 2, 7 * np.arange(17)),
        title="Darker to the lower right",
        xlabel="column",
        ylabel="row",
        ax=small(3.4, 2.3),
    )
    return ax.figure


@compared
def test_mask_with_words():
    mask = np.tril(np.ones((3, 5), dtype=bool), k=1)
    ax = plot_heatmap(
        mask,
        title="No look ahead",
        xlabel="key",
        ylabel="query",
        cells=np.where(mask, "see", "-").tolist(),
        square=False,
        colorbar=None,
        ax=small(3.2, 2.0),
    )
    return ax.figure


@compared
def test_attention():
    ax = plot_attention(
        weights(3, 5),
        queries=["il", "$", "chat"],
        keys=["the", "cat", "$5", "sat", "."],
        title="No word gets half of the weight",
        xlabel="attended word",
        ylabel="word to be written",
    )
    return ax.figure


@compared
def test_attention_with_many_tokens():
    ax = plot_attention(
        weights(11, 13),
        queries=[f"query {index}" for index in range(11)],
        keys=[f"key {index}" for index in range(13)],
        title="The weight is spread",
        xlabel="key",
        ylabel="query",
        vmax=0.5,
        colorbar=None,
        ax=small(3.2, 3.0),
    )
    return ax.figure


@compared
def test_attention_heads():
    axes = plot_attention_heads(
        weights(5, 3, 4),
        queries=["x", "y", "z"],
        keys=["a", "b", "c", "d"],
        titles=[f"head {index}" for index in range(1, 6)],
        xlabel="key",
        ylabel="query",
        colorbar="weight",
    )
    return axes[0].figure


@compared
def test_positional_encoding():
    positions, dimensions = np.arange(17)[:, None], np.arange(11)
    ax = plot_positional_encoding(
        0.9 * np.sin(positions / 1.7**dimensions),
        title="The waves grow longer to the right",
        xlabel="dimension",
        ylabel="position",
        ax=small(),
    )
    return ax.figure


@compared
def test_confusion_matrix():
    ax = plot_confusion_matrix(
        [[41, 2, 0], [5, 23, 3], [0, 0, 0]],
        classes=["bad", "fair", "good"],
        title="Fair is taken for bad",
        xlabel="predicted",
        ylabel="true",
        colorbar="share of the row",
    )
    return ax.figure


# ------------------------------------------------------------------------------------- pictures


@compared
def test_images():
    ax = plot_images(
        spread(5, 7, 5) * np.arange(1, 6)[:, None, None],
        columns=3,
        captions=[f"no. {index}" for index in range(1, 6)],
        rows=["first", "second"],
        title="Later pictures are darker",
        xlabel="pictures",
        ylabel="rows",
    )
    return ax.figure


@compared
def test_signed_images():
    ramp = np.linspace(-3, 2, 35).reshape(5, 7)
    ax = plot_images(
        np.stack([ramp, ramp[::-1], -ramp]), columns=3, title="Red below zero", signed=True
    )
    return ax.figure


# ------------------------------------------------------------------------------------- diagrams


@compared
def test_transformer():
    ax = small(5.2, 5.9)
    return draw_transformer(title="Two stacks, joined by attention", ax=ax).figure


@compared
def test_token_weights():
    review = "i had no hopes , and it is a wonderful , wonderful surprise ! $"
    ax = plot_token_weights(
        review.split(),
        [0.0, 0.1, -0.9, -0.6, 0.2, 0.0, 0.1, 0.3, 0.0, 1.2, -0.2, 1.3, 0.8, 0.5, -1.3],
        title="Praise is blue, doubt is red",
        xlabel="effect on the score",
    )
    return ax.figure


@compared
def test_token_weights_in_narrow_axes():
    ax = plot_token_weights(
        ["short", "immeasurably" * 4, "end"],
        [-0.5, 0.5, 1.0],
        title="A long word is cut off",
        xlabel="effect",
        limit=2.0,
        ax=small(3.0, 2.0),
    )
    return ax.figure


# --------------------------------------------------------------------------------------- canvas


@compared
def test_panels():
    (top, right), (left, low) = panels(2, 2, width=4.8, height=4.0)
    for ax in (right, left):
        ax.set_axis_off()
    top.stackplot([0, 1, 2], [[1, 2, 3], [3, 1, 2]], colors=COLOURS[:2])
    finish(top, title="A title of many words is broken into lines", xlabel="time", ylabel="sum")
    low.plot([2, 0, 1], color=COLOURS[2])
    label_ticks(low, "x", ["a long name", "another one", "$x$"])
    finish(low, title="Names stand upright", xlabel="", ylabel="height")
    note = left.text(0.1, 0.5, "A note in several lines, and $a^2$")
    dress(note)
    fold(note, 90)
    return top.figure


# ----------------------------------------------------------------------------- the pictures' tests

PICTURES = {
    name: test
    for name, test in list(globals().items())
    if compared.mark in getattr(test, "pytestmark", ())
}


def drawing_functions():
    """Return the public functions of the helpers that are given or return a part of a figure."""
    found = set()
    for path in Path(figures.__file__).parent.glob("*.py"):
        module = importlib.import_module(f"helpers.figures.{path.stem}")
        for name, function in getmembers(module, isfunction):
            draws = name[:5] in ("plot_", "draw_") or "matplotlib." in str(signature(function))
            if draws and name[0] != "_" and function.__module__ == module.__name__:
                found.add(name)
    return found


def test_every_drawing_function_has_a_picture():
    called = {name for test in PICTURES.values() for name in test.__code__.co_names}
    assert {"finish", "plot_attention_heads", "draw_transformer"} < drawing_functions()
    assert drawing_functions() <= called


def test_pictures_are_compared(pytestconfig):
    # Without the option pytest-mpl draws every figure, compares none, and lets each test pass.
    assert pytestconfig.getoption("mpl")


def test_every_stored_picture_is_drawn_and_small():
    sizes = {path.stem: path.stat().st_size for path in BASELINES.iterdir()}
    assert set(sizes) == set(PICTURES)
    assert max(sizes.values()) < 35_000
    assert sum(sizes.values()) < 300_000


def rendered(figure):
    file = io.BytesIO()
    figure.savefig(file, **SAVED)
    file.seek(0)
    return 255 * imread(file)[..., :3]


def move_one_point(ax):
    y = ax.lines[0].get_ydata()
    ax.lines[0].set_ydata(y + 0.02 * np.ptp(y) * (np.arange(y.size) == 2))


def move_one_dot(ax):
    dots = ax.collections[0]
    places = dots.get_offsets()
    dots.set_offsets(places + 0.02 * np.ptp(places) * (np.arange(len(places))[:, None] == 3))


def name_tick(ax, index, name):
    names = [text.get_text() for text in ax.get_xticklabels()]
    ax.set_xticklabels([*names[:index], name, *names[index + 1 :]])


def swap_a_letter(ax):
    next(text for text in ax.texts if text.get_text() == "V").set_text("K")


def flip(ax):
    ax.images[0].set(extent=np.take(ax.images[0].get_extent(), [0, 1, 3, 2]))


CHANGES = {
    "a point is a fiftieth of the range higher": (test_lines, move_one_point),
    "a dot is a fiftieth of the range off": (test_scatter, move_one_dot),
    "a bar is a hundredth longer": (
        test_bars,
        lambda ax: ax.patches[1].set_width(1.01 * ax.patches[1].get_width()),
    ),
    "a tick is one off": (
        test_attention_with_many_tokens,
        lambda ax: name_tick(ax, 3, "key 4"),
    ),
    "a full stop is lost": (test_attention, lambda ax: name_tick(ax, 4, "")),
    "a letter is another": (test_transformer, swap_a_letter),
    "other colours": (test_attention_heads, lambda ax: ax.images[0].set_cmap("PuBu")),
    "one picture of five is upside down": (test_images, flip),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_small_change_is_seen(change):
    draw, alter = CHANGES[change]
    figure = draw()
    alter(figure.axes[0])
    assert calculate_rms(rendered(draw()), rendered(figure)) > TOLERANCE
