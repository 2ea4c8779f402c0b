"""What a reader gets wrong with figures, and the sentence that answers: written by hand."""

import re
from functools import partial

import numpy as np
import pytest
import torch

from helpers import figures
from helpers.figures.canvas import as_labels

WORDS = {"title": "", "xlabel": "", "ylabel": ""}
LOG = {"xscale": "log", "yscale": "log"}
flat, pictures, points = torch.full((3, 5), 0.2), np.ones((3, 2, 2)), np.ones((5, 2))
nan, inf = float("nan"), float("inf")
LONG = ["x" * 60] * 34
wide = figures.panels(1, 2, width=7, height=3)[0, 1]


def lines(values=(1, 2), x=(1, 2), **options):
    return figures.plot_lines(x, {"loss": values}, **WORDS | options)


def scatter(limits=None, **series):
    return figures.plot_scatter(series, limits=limits, **WORDS)


heat = partial(figures.plot_heatmap, **WORDS)
bars = partial(figures.plot_bars, title="", xlabel="")
NAMES = {"queries": list("abc"), "keys": list("vwxyz")}
attend = partial(figures.plot_attention, **NAMES, **WORDS)
confuse = partial(figures.plot_confusion_matrix, classes=["a", "b"], **WORDS)
images = partial(figures.plot_images, columns=2, title="")
colour = partial(figures.plot_token_weights, title="", xlabel="")

HOLD = "and hold a number, got "
REAL = "must be an array of real numbers, got "
TWO = "limits must be two numbers, the smaller one first, got "
ENTRIES = "series must hold 1 to 7 entries, got "
WHOLE = "counts must be whole numbers from 0, got "
ABOVE = "must be above 0 on a log scale, got "

ARRAYS = [
    (f"values must have rank 2 {HOLD}(5,)", lambda: heat(np.ones(5))),
    (f"values must have rank 2 {HOLD}(0, 5)", lambda: heat(np.ones((0, 5)))),
    (f"images must have rank 3 {HOLD}(2, 2)", lambda: images(pictures[0])),
    (f"series['loss'] must have rank 1 {HOLD}(0,)", lambda: lines([])),
    (f"series['a'] must have rank 2 {HOLD}(2,)", lambda: scatter(a=[1, 2])),
    (f"hlines['floor'] must have rank 0 {HOLD}(1,)", lambda: lines(hlines={"floor": [3.0]})),
    ("series['loss'] must be finite, got nan", lambda: lines([1.0, nan])),
    ("x must be finite, got inf", lambda: lines(x=np.array([1.0, inf]))),
    ("vlines['best'] must be finite, got nan", lambda: lines(vlines={"best": nan})),
    ("limits must be finite, got nan", lambda: heat(flat, limits=(0, nan))),
    ("series['b'] must have shape (N, 2), got (3, 5)", lambda: scatter(a=points, b=flat)),
    ("series['loss'] must hold 2 values like x, got 3", lambda: lines([1, 2, 3])),
    ("counts must be square, got (3, 5)", lambda: confuse(np.ones((3, 5)))),
    ("cells must have shape (3, 5), got (5, 3)", lambda: heat(flat, cells=[["a"] * 3] * 5)),
]
KINDS = [
    (f"values {REAL}[[1, 2], [3]]", lambda: heat([[1, 2], [3]])),
    (f"values {REAL}['1', '2']", lambda: bars(["a", "b"], ["1", "2"])),
    (f"values {REAL}tensor([1.+0.j])", lambda: bars(["a"], torch.tensor([1 + 0j]))),
    (f"values {REAL}tensor(..., device='meta', size=(3, 5))", lambda: heat(flat.to("meta"))),
    (f"bins {REAL}'auto'", lambda: figures.plot_histogram({"a": [1]}, bins="auto", **WORDS)),
    ("hlines['floor'] must be a real number, got '3'", lambda: lines(hlines={"floor": "3"})),
    ("series must be a dict, got [1]", lambda: figures.plot_histogram([1], **WORDS)),
    ("labels must be a list of texts, got 'ab'", lambda: bars("ab", [1, 2])),
    ("labels must be a list of texts, got {'a'}", lambda: bars({"a"}, [1])),
    ("classes must be a list of texts, got [0, 1]", lambda: as_labels("classes", [0, 1], 2)),
    ("xlabel must be a text, got None", lambda: lines(xlabel=None)),
    ("inputs must be a text, got 3", lambda: figures.TransformerWords(inputs=3)),
    ("ax must be of type Axes, got 3", lambda: figures.finish(3, **WORDS)),
]
RANGES = [
    ("rows must hold 3 texts, got 2", lambda: heat(flat, rows=["a", "b"])),
    ("queries must hold 3 texts, got 1", lambda: attend(flat, queries=["a"])),
    ("captions must hold 3 texts, got 2", lambda: images(pictures, captions=["a", "b"])),
    ("rows must hold 2 texts, got 1", lambda: images(pictures, rows=["a"])),
    ("weights must lie in 0..1, as after a softmax, got -0.5", lambda: attend(flat - 0.7)),
    ("weights must lie in 0..0.5, as after a softmax, got 1.0", lambda: attend(5 * flat, vmax=0.5)),
    (f"{TWO}(5, 2)", lambda: heat(flat, limits=(5, 2))),
    (f"{TWO}(5, 5)", lambda: scatter((5, 5), a=points)),
    (f"{TWO}(1, 2, 3)", lambda: heat(flat, limits=(1, 2, 3))),
    (f"{ENTRIES}0", lambda: figures.plot_histogram({}, **WORDS)),
    (f"{ENTRIES}8", lambda: scatter(**dict.fromkeys("abcdefgh", points))),
    (f"x {ABOVE}0.0", lambda: lines(x=[0, 1], **LOG)),
    (f"series {ABOVE}-2.0", lambda: lines([1, -2], **LOG)),
    (f"hlines {ABOVE}0.0", lambda: lines(hlines={"a": 0}, **LOG)),
    (f"vlines {ABOVE}0.0", lambda: lines(vlines={"a": 0}, **LOG)),
    (f"{WHOLE}0.5", lambda: confuse([[1, 0.5], [0, 1]])),
    (f"{WHOLE}-1.0", lambda: confuse([[-1]])),
    ("images must not be negative without signed=True, got -1.0", lambda: images(-pictures)),
    ("limit must be at least 2, got 1", lambda: colour(["a"], [-2.0], limit=1)),
    ("ax must have room for 34 lines of tokens, got 9", lambda: colour(LONG, [0] * 34, ax=wide)),
]


@pytest.mark.parametrize(
    ("sentence", "call"), [pytest.param(*row, id=row[0]) for row in ARRAYS + KINDS + RANGES]
)
def test_a_wrong_call_is_answered_in_one_sentence(sentence, call):
    error = TypeError if (sentence, call) in KINDS else ValueError
    with pytest.raises(error, match=f"^{re.escape(sentence)}$"):
        call()


def test_axes_that_no_token_fits_into_are_refused():
    narrow = figures.panels(1, 2, width=0.8, height=3)[0, 0]
    with pytest.raises(ValueError, match=r"^ax must be at least 0.5 inches wide, got 0\.\d+$"):
        colour(["a"], [1.0], ax=narrow)


def test_nothing_is_drawn_of_what_is_refused():
    ax = figures.panels()[0, 0]
    with pytest.raises(ValueError, match=r"^hlines must be above 0"):
        lines(hlines={"a": 0}, ax=ax, **LOG)
    with pytest.raises(TypeError, match=r"^title must be a text"):
        figures.plot_bars(["a"], [1], title=3, xlabel="", ax=ax)
    assert not ax.has_data()
    assert not ax.texts
