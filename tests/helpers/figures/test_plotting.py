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
from matplotlib.text import Text

from helpers import figures
from helpers.figures import COLOURS, canvas, panels
from helpers.figures.canvas import MISSING
from tests.helpers.figures.drawn import PICTURES, box, inside, weights, words

T, S, D = 5, 7, 11
WORDS = {"title": "A finding about $d_k$", "xlabel": "what goes right", "ylabel": "what goes up"}
FIGURES = {name: call for name, call in PICTURES.items() if name != "panels"}


def random(*shape):
    return np.random.default_rng(0).normal(size=shape)


def shown(figure):
    texts = figure.findobj(lambda artist: isinstance(artist, Text) and artist.get_visible())
    return " ".join(words(texts)).replace("\n", " ")


@pytest.mark.parametrize("name", FIGURES)
def test_each_figure_is_labelled_and_nothing_is_cut_off(name):
    given = {key: text for key, text in WORDS.items() if key in FIGURES[name].options}
    ax = FIGURES[name].draw(**given)
    assert isinstance(ax, Axes)
    figure = ax.figure
    figure.draw_without_rendering()
    for text in given.values():
        assert text in shown(figure)
    drawn = figure.get_tightbbox()  # inches; nothing that is drawn lies outside it
    assert inside(drawn, figure.bbox_inches, 0.01)


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.parametrize("font", ["Last Resort High-Efficiency", None])
def test_chinese_words_never_warn(name, font, monkeypatch, caplog):
    # matplotlib ships a font with a placeholder for every character: it stands in for a CJK font.
    monkeypatch.setattr(canvas, "CJK_FONTS", (font,) if font else ())
    given = {key: text for key, text in WORDS.items() if key in FIGURES[name].options}
    figure = FIGURES[name].draw(lambda text: f"注{text}$x^2$", **given).figure
    figure.savefig(io.BytesIO())
    assert not caplog.records  # formulas log what they miss, other text warns (an error here)
    assert ("注" in shown(figure), MISSING in shown(figure)) == (font is not None, font is None)


def test_pyplot_is_never_imported():
    code = (
        "import io, sys; from tests.helpers.figures.drawn import PICTURES\n"
        "for call in PICTURES.values(): call.draw().figure.savefig(io.BytesIO())\n"
        "print('matplotlib.pyplot' in sys.modules)\n"
    )
    command = [sys.executable, "-c", code]
    root = Path(__file__).parents[3]
    said = subprocess.check_output(command, cwd=root, text=True, stderr=subprocess.STDOUT)
    assert said.strip() == "False"


@pytest.mark.parametrize("name", ["images", "confusion_matrix", "attention"])
def test_draws_into_the_axes_it_is_given(name):
    left, right = panels(1, 2, width=9)[0]
    assert FIGURES[name].draw(ax=right) is right
    assert not left.has_data()
    assert right.has_data()
    right.figure.savefig(io.BytesIO())


def test_nothing_is_drawn_of_what_is_refused():
    ax = panels()[0, 0]
    with pytest.raises(ValueError, match=r"^hlines must be above 0"):
        FIGURES["lines_on_log_scales"].draw(hlines={"a": 0}, ax=ax)
    with pytest.raises(TypeError, match=r"^title must be a text"):
        FIGURES["bars"].draw(title=3, ax=ax)
    assert not ax.has_data()
    assert not ax.texts


def test_lines_of_few_points_are_told_apart_without_colour():
    lines = FIGURES["lines_of_every_colour"].draw().get_lines()
    assert len({line.get_marker() for line in lines}) == len(lines) == len(COLOURS)
    assert {line.get_markevery() for line in lines} == {(first, 4) for first in range(4)}


def test_scatter_shows_its_points():
    (series,) = FIGURES["scatter"].given
    ax = FIGURES["scatter"].draw()
    for drawn, points in zip(ax.collections, series.values(), strict=True):
        np.testing.assert_array_equal(drawn.get_offsets(), points)
    assert words(ax.get_legend().get_texts()) == ["real", "made"]
    ax.figure.draw_without_rendering()
    assert (ax.get_xlim(), ax.get_ylim()) == ((-1.5, 1.9), (-1.5, 1.9))

    points = random(T, 2)
    ax = figures.plot_scatter({"real": torch.from_numpy(points)}, **WORDS)
    assert ax.get_legend() is None
    ax.figure.draw_without_rendering()
    (x0, y0), (x1, y1) = ax.transData.transform([(0, 0), (1, 1)])
    assert x1 - x0 == pytest.approx(y1 - y0)  # a circle is round
    for (low, high), values in zip((ax.get_xlim(), ax.get_ylim()), points.T, strict=True):
        assert low < values.min()  # without limits, every point is inside
        assert values.max() < high


def test_as_many_series_as_there_are_colours_are_told_apart_even_without_colours():
    ax = figures.plot_scatter({f"{index}": random(T, 2) for index in range(7)}, **WORDS)
    colours = [to_rgb(points.get_facecolor()[0]) for points in ax.collections]
    assert colours == list(map(to_rgb, COLOURS))
    shapes = {points.get_paths()[0].vertices.tobytes() for points in ax.collections}
    assert len(set(colours)) == len(shapes) == 7


def test_attention_shows_weights_and_tokens_verbatim():
    tokens = ["$\\nonsense{$", "$5 and $6", "<unk>", "a\tb\x96"]
    shares = weights(4, 4)
    ax = figures.plot_attention(shares, queries=tokens, keys=tokens, **WORDS)
    np.testing.assert_array_equal(ax.images[0].get_array(), shares)
    assert ax.images[0].get_clim() == (0, 1)
    for labels in (ax.get_xticklabels(), ax.get_yticklabels()):
        assert words(labels) == [*tokens[:3], f"a b{MISSING}"]
    assert words(ax.texts) == [f"{x:.2f}" for x in shares.ravel()]
    text = figures.plot_token_weights(tokens, np.arange(4), title="", xlabel="")
    names = {"rows": tokens[:1], "captions": tokens[:1]}
    images = figures.plot_images(np.ones((1, T, S)), columns=1, **names, **WORDS)
    for drawn in (ax, text, images):
        drawn.figure.savefig(io.BytesIO())  # a formula that makes no sense would raise


def test_heads_share_one_scale_and_one_figure():
    shares = weights(6, T, S)
    titles = [f"head {index}" for index in range(6)]
    names = {"queries": list("vwxyz"), "keys": list("abcdefg"), "titles": titles}
    axes = figures.plot_attention_heads(shares, **names, xlabel="key", ylabel="query", vmax=0.9)
    assert len({ax.figure for ax in axes}) == 1
    for ax, head in zip(axes, shares, strict=True):
        np.testing.assert_array_equal(ax.images[0].get_array(), head)
        assert ax.images[0].get_clim() == (0, 0.9)
    assert [ax.get_title() for ax in axes] == titles
    assert [ax.get_ylabel() for ax in axes] == ["query", "", ""] * 2
    assert [ax.get_xlabel() for ax in axes] == [""] * 3 + ["key"] * 3


def test_tensors_and_masks_are_drawn_and_left_alone():
    mask = torch.ones(T, T, dtype=torch.bool).tril()
    before = mask.clone()
    ax = figures.plot_heatmap(mask, **WORDS)
    np.testing.assert_array_equal(ax.images[0].get_array(), mask)
    assert torch.equal(mask, before)
    one = torch.ones(1, 1, requires_grad=True)
    ax = figures.plot_attention(one, queries=["a"], keys=["b"], **WORDS)
    assert ax.images[0].get_array() == 1
    values = random(T, D)
    drawn = figures.plot_positional_encoding(values, **WORDS).images[0]
    reach = np.abs(values).max()
    assert drawn.get_clim() == (-reach, reach)
    values[:] = 0
    np.testing.assert_array_equal(drawn.get_array(), random(T, D))


def test_few_values_are_drawn_with_whole_ticks():
    ax = figures.plot_lines(
        [1, 2, 3], {"loss": [3.0, 2.0, 1.0]}, **WORDS
    )  # epochs are whole numbers
    assert all(tick == round(tick) for tick in ax.get_xticks())
    ax = figures.plot_positional_encoding([[0.0, 0.0, 0.0]], **WORDS)
    low, high = ax.images[0].get_clim()
    assert low < 0 < high
    assert [text.get_color() for text in ax.texts] == ["white"] * 3
    assert all(tick == round(tick) for tick in ax.get_yticks())


def test_numbers_that_do_not_fit_are_left_out():
    ax = panels(1, 4, width=6)[0, 0]
    assert len(figures.plot_heatmap(random(T, S), **WORDS, ax=ax).texts) == 0
    assert len(figures.plot_heatmap(random(T, S), **WORDS).texts) == T * S


def test_a_confusion_matrix_is_blank_where_nothing_was_counted():
    ax = figures.plot_confusion_matrix([[0, 0], [0, 7]], classes=["no", "yes"], **WORDS)
    assert words(ax.texts) == ["", "", "", "7\n100.0%"]


def colours_of(ax):
    """Return the colour in the middle of each pixel of the drawn images, each ``(T, S, 3)``."""
    surface = FigureCanvasAgg(ax.figure)
    surface.draw()
    seen = np.asarray(surface.buffer_rgba())[::-1, :, :3] / 255  # the lowest line first
    for place in map(box, ax.images):
        across = place.x0 + (np.arange(S) + 0.5) * place.width / S
        up = place.y1 - (np.arange(T) + 0.5) * place.height / T
        yield seen[up.astype(int)][:, across.astype(int)].copy()


def test_images_are_ink_on_paper_and_the_right_way_up():
    pictures = np.zeros((2, T, S))
    pictures[0, 0, 0] = 1  # top left
    pictures[1, T - 1, 1] = 0.5  # bottom, second from the left; half the ink of the other
    ink = 1 - np.mean([*colours_of(figures.plot_images(pictures, columns=2, **WORDS))], axis=3)
    assert 0.3 < ink[1, T - 1, 1] < 0.7
    ink[1, T - 1, 1] = 0.5
    np.testing.assert_allclose(ink, pictures, atol=0.01)


def test_signed_images_are_dark_below_zero_and_light_above_also_in_grey():
    pictures = np.zeros((2, T, S))
    pictures[0, 1, 2], pictures[1, 3, 5] = 4, -4
    ax = figures.plot_images(pictures, columns=2, signed=True, **WORDS)
    assert [drawn.get_clim() for drawn in ax.images] == [(-4, 4)] * 2
    above, below = (colours @ [0.299, 0.587, 0.114] for colours in colours_of(ax))
    zero = above[0, 0]
    assert below[3, 5] < zero - 0.2 < zero + 0.2 < above[1, 2]
    above[1, 2], below[3, 5] = zero, zero
    np.testing.assert_allclose([above, below], zero, atol=0.02)
    # Both signs on one scale, also where there is one sign only, and a bar that shows it.
    ax = figures.plot_images(pictures[:1] / 2, columns=1, signed=True, **WORDS)
    assert ax.images[0].get_clim() == (-2, 2)
    assert ax.figure.axes[1].get_ylim() == (-2, 2)


@pytest.mark.parametrize("signed", [False, True])
def test_blank_pictures_and_few_pictures_are_drawn(signed):
    ax = figures.plot_images(np.zeros((2, T, S)), columns=11, signed=signed, **WORDS)
    blank = 0.49 if signed else 1  # the grey of zero, or white
    np.testing.assert_allclose([*colours_of(ax)], blank, atol=0.05)
    one, other = map(box, ax.images)
    # No room is kept for the nine that are not there.
    assert (one.y0, one.y1) == (other.y0, other.y1)
    assert other.x1 - one.x0 > 0.8 * box(ax).width
