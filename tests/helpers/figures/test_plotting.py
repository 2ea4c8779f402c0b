"""The figures show what they were given, in any language, without pyplot and without a warning."""

import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.text import Text

from helpers.figures import canvas
from helpers.figures.canvas import MISSING, panels
from helpers.figures.diagrams import TransformerWords, draw_transformer, plot_token_weights
from helpers.figures.heatmaps import (
    plot_attention,
    plot_attention_heads,
    plot_confusion_matrix,
    plot_heatmap,
    plot_positional_encoding,
)
from helpers.figures.pictures import plot_images
from helpers.figures.plotting import COLOURS, plot_bars, plot_histogram, plot_lines, plot_scatter

ROOT = Path(__file__).resolve().parents[3]
T, S, D, H = 5, 7, 11, 3
WORDS = {"title": "A finding about $d_k$", "xlabel": "what goes right", "ylabel": "what goes up"}
QUERIES = [f"q{index}" for index in range(T)]
KEYS = [f"k{index}" for index in range(S)]


def random(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=shape)


def attention(*shape: int) -> torch.Tensor:
    return torch.softmax(torch.from_numpy(random(*shape)), dim=-1)


def each(say, words):
    return [say(word) for word in words]


# Every figure, with `say` between each word and the helper, so that a test can change the language.
FIGURES = {
    "heatmap": lambda say, **w: plot_heatmap(random(T, S), **w),
    "attention": lambda say, **w: plot_attention(
        attention(T, S), queries=each(say, QUERIES), keys=each(say, KEYS), **w
    ),
    "long attention": lambda say, **w: plot_attention(
        attention(17, 19),
        queries=[say(f"query {index}") for index in range(17)],
        keys=[say(f"key {index}") for index in range(19)],
        **w,
    ),
    "positions": lambda say, **w: plot_positional_encoding(random(T, D), **w),
    "confusion": lambda say, **w: plot_confusion_matrix(
        [[20, 3], [0, 0]], classes=[say("negative"), say("positive")], **w
    ),
    "lines": lambda say, **w: plot_lines(
        [1, 2, 4, 8],
        {say("first"): [1, 2, 3, 5], say("second $x^2$"): [2, 4, 6, 9]},
        xscale="log",
        yscale="log",
        hlines={say("floor"): 1.5},
        vlines={say("best"): 4},
        **w,
    ),
    "bars": lambda say, **w: plot_bars(
        [say("majority"), say("a model with a long name")],
        [0.5, 0.87],
        vlines={say("chance"): 0.5},
        **w,
    ),
    "histogram": lambda say, **w: plot_histogram(
        {say("negative"): random(101), say("positive"): random(103) + 1},
        vlines={say("cut"): 0.3},
        **w,
    ),
    "scatter": lambda say, **w: plot_scatter(
        {say("real"): random(101, 2), say("made"): random(103, 2) + 1}, **w
    ),
    "images": lambda say, **w: plot_images(
        np.abs(random(7, T, S)),
        columns=3,
        captions=[say(f"{index}") for index in range(7)],
        rows=[say(f"row {index}") for index in range(3)],
        **w,
    ),
    "one image": lambda say, **w: plot_images(random(1, S, T), columns=5, signed=True, **w),
    "tokens": lambda say, **w: plot_token_weights(
        [say(token) for token in ("it", "is", "a", "wonderful", "surprise", "$") * 7],
        random(42),
        title=w["title"],
        xlabel=w["xlabel"],
    ),
    "transformer": lambda say, **w: draw_transformer(
        title=w["title"],
        words=TransformerWords(
            **{key: say(word) for key, word in vars(TransformerWords()).items()}
        ),
    ),
    "heads": lambda say, **w: plot_attention_heads(
        attention(H, T, S),
        queries=each(say, QUERIES),
        keys=each(say, KEYS),
        titles=[say(f"head {index}") for index in range(H)],
        xlabel=w["xlabel"],
        ylabel=w["ylabel"],
    )[0],
}


def draw(name: str, say=str) -> Axes:
    return FIGURES[name](say, **{key: say(words) for key, words in WORDS.items()})


def render(figure: Figure) -> None:
    figure.savefig(io.BytesIO(), format="png")


def shown(figure: Figure) -> list[Text]:
    texts = figure.findobj(lambda artist: isinstance(artist, Text) and artist.get_visible())
    return [text for text in texts if text.get_text().strip()]


@pytest.mark.parametrize("name", FIGURES)
def test_each_figure_is_labelled_and_nothing_is_cut_off(name):
    ax = draw(name)
    assert isinstance(ax, Axes)
    figure = ax.figure
    figure.draw_without_rendering()
    words = " ".join(text.get_text() for text in shown(figure)).replace("\n", " ")
    wanted = {"tokens": ["title", "xlabel"], "transformer": ["title"], "heads": ["ylabel"]}
    for key in wanted.get(name, WORDS):
        assert WORDS[key] in words
    drawn = figure.get_tightbbox()  # inches; nothing that is drawn lies outside it
    assert drawn.x0 >= -0.01
    assert drawn.y0 >= -0.01
    assert drawn.x1 <= figure.get_figwidth() + 0.01
    assert drawn.y1 <= figure.get_figheight() + 0.01


def chinese(words: str) -> str:
    return "注意力" + words


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.parametrize("font", ["Last Resort High-Efficiency", None])
def test_chinese_words_never_warn(name, font, monkeypatch, caplog):
    # matplotlib ships a font with a placeholder for every character: it stands in for a CJK font.
    monkeypatch.setattr(canvas, "CJK_FONTS", (font,) if font else ())
    figure = draw(name, chinese).figure
    render(figure)
    assert not caplog.records  # formulas log what they miss, other text warns (an error here)
    words = "".join(text.get_text() for text in shown(figure))
    assert ("注" in words, MISSING in words) == (font is not None, font is None)


def test_pyplot_is_never_imported():
    code = (
        "import sys, io\n"
        "from helpers.figures.heatmaps import plot_attention\n"
        "from helpers.figures.diagrams import draw_transformer\n"
        "from helpers.figures.pictures import plot_images\n"
        "ax = plot_attention([[1.0]], queries=['a'], keys=['b'], title='', xlabel='', ylabel='')\n"
        "ax.figure.savefig(io.BytesIO())\n"
        "draw_transformer(title='').figure.savefig(io.BytesIO())\n"
        "plot_images([[[1.0]]], columns=1, title='').figure.savefig(io.BytesIO())\n"
        "print('matplotlib.pyplot' in sys.modules)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert (run.stdout.strip(), run.stderr) == ("False", "")


@pytest.mark.parametrize(
    "name", ["attention", "lines", "bars", "histogram", "positions", "scatter", "images"]
)
def test_draws_into_the_axes_it_is_given(name):
    left, right = panels(1, 2, width=9)[0]
    assert FIGURES[name](str, **WORDS, ax=right) is right
    assert not left.has_data()
    assert right.has_data()
    render(right.figure)


def test_attention_shows_weights_and_tokens():
    weights = attention(T, S)
    ax = plot_attention(weights, queries=QUERIES, keys=KEYS, **WORDS)
    np.testing.assert_array_equal(ax.images[0].get_array(), weights)
    assert ax.images[0].get_clim() == (0, 1)
    assert [text.get_text() for text in ax.get_yticklabels()] == QUERIES
    assert [text.get_text() for text in ax.get_xticklabels()] == KEYS
    assert (ax.get_xlabel(), ax.get_ylabel()) == (WORDS["xlabel"], WORDS["ylabel"])
    assert [text.get_text() for text in ax.texts] == [f"{x:.2f}" for x in weights.ravel().tolist()]


def test_tokens_are_written_verbatim():
    tokens = ["$\\nonsense{$", "$5 and $6", "<unk>", "a\tb\x96"]
    ax = plot_attention(np.eye(4), queries=tokens, keys=tokens, **WORDS)
    render(ax.figure)  # a formula that makes no sense would raise
    assert [text.get_text() for text in ax.get_xticklabels()] == [
        *tokens[:3],
        f"a b{MISSING}",
    ]
    render(plot_token_weights(tokens, np.arange(4), title="", xlabel="").figure)


def test_heads_share_one_scale_and_one_figure():
    weights = attention(6, T, S)
    axes = plot_attention_heads(
        weights,
        queries=QUERIES,
        keys=KEYS,
        titles=[f"head {index}" for index in range(6)],
        xlabel="key",
        ylabel="query",
        vmax=0.9,
    )
    assert len({ax.figure for ax in axes}) == 1
    for index, ax in enumerate(axes):
        np.testing.assert_array_equal(ax.images[0].get_array(), weights[index])
        assert ax.images[0].get_clim() == (0, 0.9)
        assert ax.get_title() == f"head {index}"
    assert [ax.get_ylabel() for ax in axes] == ["query", "", ""] * 2
    assert [ax.get_xlabel() for ax in axes] == [""] * 3 + ["key"] * 3


def test_tensors_and_masks_are_drawn_and_left_alone():
    mask = torch.ones(T, T, dtype=torch.bool).tril()
    before = mask.clone()
    ax = plot_heatmap(mask, **WORDS)
    np.testing.assert_array_equal(ax.images[0].get_array(), mask)
    assert torch.equal(mask, before)
    weights = torch.ones(1, 1, requires_grad=True)
    assert plot_attention(weights, queries=["a"], keys=["b"], **WORDS).images[0].get_array() == 1
    values = random(T, D)
    drawn = plot_positional_encoding(values, **WORDS).images[0]
    kept = values.copy()
    values[:] = 0
    np.testing.assert_array_equal(drawn.get_array(), kept)
    low, high = drawn.get_clim()
    assert -low == high == np.abs(kept).max()


def test_lines_bars_and_histogram_show_their_numbers():
    ax = draw("lines")
    first, second, floor, best = ax.get_lines()
    np.testing.assert_array_equal(first.get_xydata(), [[1, 1], [2, 2], [4, 3], [8, 5]])
    assert [to_rgb(first.get_color()), to_rgb(second.get_color())] == list(map(to_rgb, COLOURS[:2]))
    assert list(floor.get_ydata()) == [1.5, 1.5]
    assert list(best.get_xdata()) == [4, 4]
    legend = [text.get_text() for text in ax.get_legend().get_texts()]
    assert legend == ["first", "second $x^2$", "floor", "best"]
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    assert [text.get_text() for text in ax.get_xticklabels()] == ["1", "2", "4", "8"]

    ax = draw("bars")
    assert [bar.get_width() for bar in ax.patches] == [0.5, 0.87]
    assert [text.get_text() for text in ax.texts] == ["0.500", "0.870"]
    assert ax.patches[0].get_y() < ax.patches[1].get_y()
    assert ax.yaxis_inverted()

    values = [0.5, 1.5, 1.6, 2.5, 9.0]
    for bins in ([0, 1, 2, 3], range(4), np.arange(4), torch.arange(4)):
        ax = plot_histogram({"a": values}, bins=bins, **WORDS)
        np.testing.assert_array_equal(ax.patches[0].get_data().values, [1, 2, 1])


def rendered(figure: Figure) -> np.ndarray:
    """Return the colours of a figure, one row a line of pixels, the top one first."""
    surface = FigureCanvasAgg(figure)
    surface.draw()
    return np.asarray(surface.buffer_rgba())[:, :, :3] / 255


def colours_at(figure: Figure, image, shape: tuple[int, int]) -> np.ndarray:
    """Return the colour in the middle of each pixel of a drawn image, ``(Y, X, 3)``."""
    canvas_pixels = rendered(figure)
    box = image.get_window_extent()
    rows, columns = shape
    across = box.x0 + (np.arange(columns) + 0.5) * box.width / columns
    up = box.y1 - (np.arange(rows) + 0.5) * box.height / rows
    down = len(canvas_pixels) - up
    return canvas_pixels[down.astype(int)][:, across.astype(int)]


def test_images_show_every_picture_in_its_place():
    pictures = np.abs(random(7, T, S))
    ax = plot_images(pictures, columns=3, **WORDS)
    assert len(ax.images) == 7
    for drawn, picture in zip(ax.images, pictures, strict=True):
        np.testing.assert_array_equal(drawn.get_array(), picture)
        assert drawn.get_clim() == (0, pictures.max())  # one scale for all
    assert (ax.get_title(), ax.get_xlabel(), ax.get_ylabel()) == tuple(WORDS.values())
    ax.figure.draw_without_rendering()
    boxes = np.array([drawn.get_window_extent().extents for drawn in ax.images])
    # Rows of three from the top left, the last one short, on a grid and one apart from the other.
    left, bottom, right, top = boxes.T
    width, height = right[0] - left[0], top[0] - bottom[0]
    np.testing.assert_allclose(right - left, width)
    np.testing.assert_allclose(top - bottom, height)
    assert width / height == pytest.approx(S / T)  # square pixels
    step, line = left[1] - left[0], bottom[0] - bottom[3]
    assert step > width
    assert line > height
    for index in range(7):
        row, column = divmod(index, 3)
        np.testing.assert_allclose(left[index], left[0] + column * step)
        np.testing.assert_allclose(bottom[index], bottom[0] - row * line)
    # And all of them lie inside of the axes.
    frame = ax.get_window_extent()
    assert left.min() >= frame.x0
    assert right.max() <= frame.x1
    assert bottom.min() >= frame.y0
    assert top.max() <= frame.y1


def test_images_are_ink_on_paper_and_the_right_way_up():
    pictures = np.zeros((2, T, S))
    pictures[0, 0, 0] = 1  # top left
    pictures[1, T - 1, 1] = 0.5  # bottom, second from the left; half the ink of the other
    ax = plot_images(pictures, columns=2, **WORDS)
    ink = [1 - colours_at(ax.figure, drawn, (T, S)).mean(axis=2) for drawn in ax.images]
    np.testing.assert_allclose(ink[0], pictures[0], atol=0.01)
    assert 0.3 < ink[1][T - 1, 1] < 0.7
    ink[1][T - 1, 1] = 0
    np.testing.assert_allclose(ink[1], 0, atol=0.01)


def test_signed_images_are_white_at_zero_and_blue_above():
    pictures = np.zeros((2, T, S))
    pictures[0, 1, 2], pictures[1, 3, 5] = 2, -4
    ax = plot_images(pictures, columns=2, signed=True, **WORDS)
    assert [drawn.get_clim() for drawn in ax.images] == [(-4, 4)] * 2
    above, below = (colours_at(ax.figure, drawn, (T, S)) for drawn in ax.images)
    red, _, blue = above[1, 2]
    assert blue > red + 0.2
    red, _, blue = below[3, 5]
    assert red > blue + 0.2
    above[1, 2], below[3, 5] = 1, 1
    np.testing.assert_allclose([above, below], 1, atol=0.05)
    # Both signs on one scale, also where there is one sign only.
    ax = plot_images(pictures[:1], columns=1, signed=True, **WORDS)
    assert ax.images[0].get_clim() == (-2, 2)


def test_captions_stand_above_their_pictures_and_labels_beside_their_rows():
    captions = ["$\\nonsense{$", "$5 and $6", *"cdefg"]  # written as they are, no formulas
    rows = ["first", "second", "third"]
    ax = plot_images(np.ones((7, T, S)), columns=3, captions=captions, rows=rows, **WORDS)
    ax.figure.draw_without_rendering()
    assert [text.get_text() for text in ax.texts] == captions
    boxes = [drawn.get_window_extent() for drawn in ax.images]
    for index, (text, box) in enumerate(zip(ax.texts, boxes, strict=True)):
        words = text.get_window_extent()
        assert (words.x0 + words.x1) / 2 == pytest.approx((box.x0 + box.x1) / 2, abs=1)
        assert box.y1 <= words.y0 + 1
        if index >= 3:
            assert words.y1 <= boxes[index - 3].y0  # below the picture above
    labels = ax.get_yticklabels()
    assert [label.get_text() for label in labels] == rows
    for label, box in zip(labels, boxes[::3], strict=True):
        words = label.get_window_extent()
        assert words.x1 <= box.x0
        assert box.y0 < (words.y0 + words.y1) / 2 < box.y1
    assert len(ax.get_xticks()) == 0
    assert len(plot_images(np.ones((7, T, S)), columns=3, **WORDS).get_yticks()) == 0


def test_labels_of_rows_are_written_verbatim():
    ax = plot_images(np.ones((1, T, S)), columns=1, rows=["$\\nonsense{$"], **WORDS)
    render(ax.figure)


@pytest.mark.parametrize("signed", [False, True])
def test_blank_pictures_and_few_pictures_are_drawn(signed):
    ax = plot_images(np.zeros((2, T, S)), columns=11, signed=signed, **WORDS)
    left, right = (colours_at(ax.figure, drawn, (T, S)) for drawn in ax.images)
    np.testing.assert_allclose([left, right], 1, atol=0.05)  # white
    ax.figure.draw_without_rendering()
    one, other = (drawn.get_window_extent() for drawn in ax.images)
    # No room is kept for the nine that are not there.
    assert (one.y0, one.y1) == (other.y0, other.y1)
    assert other.x1 - one.x0 > 0.8 * ax.get_window_extent().width


def test_pictures_are_copied():
    pictures = torch.ones(2, T, S)
    ax = plot_images(pictures, columns=2, **WORDS)
    pictures.zero_()
    assert ax.images[1].get_array().min() == 1


def test_scatter_shows_its_points():
    real, made = random(T, 2), torch.from_numpy(random(S, 2)) + 1
    ax = plot_scatter({"real": real, "made $x$": made}, **WORDS)
    first, second = ax.collections
    np.testing.assert_array_equal(first.get_offsets(), real)
    np.testing.assert_array_equal(second.get_offsets(), made)
    colours = [to_rgb(points.get_facecolor()[0]) for points in (first, second)]
    assert colours == list(map(to_rgb, COLOURS[:2]))
    shapes = [points.get_paths()[0].vertices for points in (first, second)]
    assert not np.array_equal(*shapes)  # told apart without colours, too
    legend = [text.get_text() for text in ax.get_legend().get_texts()]
    assert legend == ["real", "made $x$"]
    assert (ax.get_title(), ax.get_xlabel(), ax.get_ylabel()) == tuple(WORDS.values())
    ax.figure.draw_without_rendering()
    (x0, y0), (x1, y1) = ax.transData.transform([(0, 0), (1, 1)])
    assert x1 - x0 == pytest.approx(y1 - y0)  # a circle is round


def test_scatter_of_one_series_needs_no_legend_and_limits_hold():
    points = random(T, 2)
    ax = plot_scatter({"real": points}, limits=(-3, 7), **WORDS)
    assert ax.get_legend() is None
    ax.figure.draw_without_rendering()
    assert (ax.get_xlim(), ax.get_ylim()) == ((-3, 7), (-3, 7))
    ax = plot_scatter({"real": points}, **WORDS)  # without them, every point is inside
    for (low, high), values in zip((ax.get_xlim(), ax.get_ylim()), points.T, strict=True):
        assert low < values.min()
        assert values.max() < high


def test_as_many_series_as_there_are_colours_are_told_apart():
    ax = plot_scatter({f"{index}": random(T, 2) for index in range(7)}, **WORDS)
    looks = {
        (tuple(points.get_facecolor()[0]), points.get_paths()[0].vertices.tobytes())
        for points in ax.collections
    }
    assert len(looks) == 7
    assert len({colour for colour, _ in looks}) == len({shape for _, shape in looks}) == 7


def test_epochs_are_whole_numbers():
    ax = plot_lines([1, 2, 3], {"loss": [3.0, 2.0, 1.0]}, **WORDS)
    assert all(tick == round(tick) for tick in ax.get_xticks())
    assert ax.get_legend() is None


def test_one_value_and_one_row_are_drawn():
    ax = plot_positional_encoding([[0.0, 0.0, 0.0]], **WORDS)
    low, high = ax.images[0].get_clim()
    assert low < 0 < high
    assert [text.get_color() for text in ax.texts] == ["black"] * 3
    assert all(tick == round(tick) for tick in ax.get_yticks())


def test_numbers_that_do_not_fit_are_left_out():
    ax = panels(1, 4, width=6)[0, 0]
    assert len(plot_heatmap(random(T, S), **WORDS, ax=ax).texts) == 0
    assert len(plot_heatmap(random(T, S), **WORDS).texts) == T * S


def test_confusion_matrix_shows_counts_and_row_shares():
    ax = plot_confusion_matrix([[20, 5], [3, 1]], classes=["no", "yes"], **WORDS)
    words = [text.get_text() for text in ax.texts]
    assert words == ["20\n80.0%", "5\n20.0%", "3\n75.0%", "1\n25.0%"]
    np.testing.assert_array_equal(ax.images[0].get_array(), [[0.8, 0.2], [0.75, 0.25]])
    ax = plot_confusion_matrix([[0, 0], [0, 7]], classes=["no", "yes"], **WORDS)
    assert ax.texts[0].get_text() == "0\n0.0%"  # a class that never occurs
