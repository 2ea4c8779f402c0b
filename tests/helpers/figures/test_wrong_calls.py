"""What a reader gets wrong with figures, and the sentence that answers: written by hand."""

import math
import re

import numpy as np
import pytest
import torch

from helpers.figures import (
    TransformerWords,
    draw_transformer,
    finish,
    panels,
    plot_attention,
    plot_attention_heads,
    plot_bars,
    plot_confusion_matrix,
    plot_heatmap,
    plot_histogram,
    plot_images,
    plot_lines,
    plot_positional_encoding,
    plot_scatter,
    plot_token_weights,
)
from helpers.figures.canvas import as_labels

H, T, S = 2, 3, 5
WORDS = {"title": "", "xlabel": "", "ylabel": ""}
TWO = {"title": "", "xlabel": ""}
LOG = {"xscale": "log", "yscale": "log"}
NAMES = {"queries": list("abc"), "keys": list("vwxyz")}
weights = torch.full((T, S), 0.2)
pictures = np.ones((3, 2, 2))


def lines(values=(1, 2), x=(1, 2), **options):
    return plot_lines(x, {"loss": values}, **WORDS, **options)


ARRAYS = {
    "values must have rank 2 and hold a number, got (5,)": [
        lambda: plot_heatmap(np.ones(5), **WORDS),
    ],
    "values must have rank 2 and hold a number, got (0, 5)": [
        lambda: plot_heatmap(np.ones((0, 5)), **WORDS),
    ],
    "weights must have rank 3 and hold a number, got (3, 5)": [
        lambda: plot_attention_heads(weights, titles=[], xlabel="", ylabel="", **NAMES),
    ],
    "images must have rank 3 and hold a number, got (2, 2)": [
        lambda: plot_images(pictures[0], columns=2, title=""),
    ],
    "series['loss'] must have rank 1 and hold a number, got (0,)": [lambda: lines([])],
    "series['a'] must have rank 2 and hold a number, got (2,)": [
        lambda: plot_scatter({"a": [1, 2]}, **WORDS),
    ],
    "hlines['floor'] must have rank 0 and hold a number, got (1,)": [
        lambda: lines(hlines={"floor": [3.0]}),
    ],
    "series['loss'] must be finite, got nan": [
        lambda: lines([1.0, math.nan]),
        lambda: lines(torch.tensor([1.0, math.nan])),
    ],
    "x must be finite, got inf": [lambda: lines(x=np.array([1.0, math.inf]))],
    "weights must be finite, got -inf": [
        lambda: plot_token_weights(["a"], [-math.inf], **TWO),
    ],
    "vlines['best'] must be finite, got nan": [lambda: lines(vlines={"best": math.nan})],
    "limits must be finite, got nan": [
        lambda: plot_heatmap(weights, limits=(0, math.nan), **WORDS)
    ],
    "series['b'] must have shape (N, 2), got (5, 3)": [
        lambda: plot_scatter({"a": np.ones((5, 2)), "b": np.ones((5, 3))}, **WORDS),
    ],
    "series['loss'] must hold 2 values like x, got 3": [lambda: lines([1, 2, 3])],
    "counts must be square, got (3, 5)": [
        lambda: plot_confusion_matrix(np.ones((3, 5)), classes=["a"], **WORDS),
    ],
    "cells must have shape (3, 5), got (5, 3)": [
        lambda: plot_heatmap(weights, cells=[["a"] * 3] * 5, **WORDS),
    ],
}
KINDS = {
    "values must be an array of real numbers, got [[1, 2], [3]]": [
        lambda: plot_heatmap([[1, 2], [3]], **WORDS),
    ],
    "values must be an array of real numbers, got ['1', '2']": [
        lambda: plot_bars(["a", "b"], ["1", "2"], **TWO),
    ],
    "values must be an array of real numbers, got tensor([1.+0.j])": [
        lambda: plot_bars(["a"], torch.tensor([1 + 0j]), **TWO),
    ],
    "encoding must be an array of real numbers, got None": [
        lambda: plot_positional_encoding(None, **WORDS),
    ],
    "encoding must be an array of real numbers, got tensor(..., device='meta', size=(3, 5))": [
        lambda: plot_positional_encoding(weights.to("meta"), **WORDS),
    ],
    "bins must be an array of real numbers, got 'auto'": [
        lambda: plot_histogram({"a": [1, 2]}, bins="auto", **WORDS),
    ],
    "hlines['floor'] must be a real number, got '3'": [lambda: lines(hlines={"floor": "3"})],
    "series must be of type dict, got [1, 2]": [lambda: plot_lines([1, 2], [1, 2], **WORDS)],
    "labels must be a list of texts, got 'ab'": [lambda: plot_bars("ab", [1, 2], **TWO)],
    "labels must be a list of texts, got {'a'}": [lambda: plot_bars({"a"}, [1], **TWO)],
    "keys must be a list of texts, got 'vwxyz'": [
        lambda: plot_attention(weights, queries=list("abc"), keys="vwxyz", **WORDS),
    ],
    "classes must be a list of texts, got [0, 1]": [lambda: as_labels("classes", [0, 1], 2)],
    "captions must be of type Collection, got 3": [
        lambda: plot_images(pictures, columns=3, captions=3, title=""),
    ],
    "title must be a text, got 7": [lambda: draw_transformer(title=7)],
    "xlabel must be a text, got None": [
        lambda: plot_lines([1], {"a": [1]}, **WORDS | {"xlabel": None})
    ],
    "inputs must be a text, got 3": [lambda: TransformerWords(inputs=3)],
    "words must be of type TransformerWords, got {'inputs': 'a'}": [
        lambda: draw_transformer(title="", words={"inputs": "a"}),
    ],
    "ax must be of type Axes, got 3": [lambda: lines(ax=3), lambda: finish(3, **WORDS)],
    "columns must be an integer, got 2.0": [lambda: plot_images(pictures, columns=2.0, title="")],
    "signed must be True or False, got 1": [
        lambda: plot_images(pictures, columns=2, title="", signed=1),
    ],
}
RANGES = {
    "columns must be at least 1, got 0": [
        lambda: panels(1, 0),
        lambda: plot_images(pictures, columns=0, title=""),
    ],
    "height must be above 0 and finite, got 0": [lambda: panels(height=0)],
    "rows must hold 3 texts, got 2": [lambda: plot_heatmap(weights, rows=["a", "b"], **WORDS)],
    "queries must hold 3 texts, got 5": [
        lambda: plot_attention(weights, queries=list("vwxyz"), keys=list("vwxyz"), **WORDS),
    ],
    "titles must hold 2 texts, got 1": [
        lambda: plot_attention_heads(
            torch.stack([weights] * H), titles=["a"], xlabel="", ylabel="", **NAMES
        ),
    ],
    "captions must hold 3 texts, got 2": [
        lambda: plot_images(pictures, columns=2, captions=["a", "b"], title=""),
    ],
    "rows must hold 2 texts, got 1": [
        lambda: plot_images(pictures, columns=2, rows=["a"], title=""),
    ],
    "weights must lie in 0..1, as after a softmax, got -0.5": [
        lambda: plot_attention(weights - 0.7, **NAMES, **WORDS),
    ],
    "weights must lie in 0..0.5, as after a softmax, got 3.0": [
        lambda: plot_attention(15 * weights, vmax=0.5, **NAMES, **WORDS),
    ],
    "vmax must be above 0 and finite, got 0": [
        lambda: plot_attention(weights, vmax=0, **NAMES, **WORDS),
    ],
    "limits must be two numbers, the smaller one first, got (5, 2)": [
        lambda: plot_heatmap(weights, limits=(5, 2), **WORDS),
        lambda: plot_scatter({"a": np.ones((5, 2))}, limits=(5, 2), **WORDS),
    ],
    "limits must be two numbers, the smaller one first, got (5, 5)": [
        lambda: plot_scatter({"a": np.ones((5, 2))}, limits=(5, 5), **WORDS),
    ],
    "limits must be two numbers, the smaller one first, got (1, 2, 3)": [
        lambda: plot_heatmap(weights, limits=(1, 2, 3), **WORDS),
    ],
    "series must hold 1 to 7 entries, got 0": [
        lambda: plot_lines([1, 2], {}, **WORDS),
        lambda: plot_histogram({}, **WORDS),
    ],
    "series must hold 1 to 7 entries, got 8": [
        lambda: plot_lines([1], {name: [1] for name in "abcdefgh"}, **WORDS),
        lambda: plot_scatter({name: np.ones((5, 2)) for name in "abcdefgh"}, **WORDS),
    ],
    "yscale must be 'linear' or 'log', got 'lin'": [lambda: lines(yscale="lin")],
    "x must be above 0 on a log scale, got 0.0": [lambda: lines(x=[0, 1], **LOG)],
    "series must be above 0 on a log scale, got -2.0": [lambda: lines([1, -2], **LOG)],
    "hlines must be above 0 on a log scale, got 0.0": [lambda: lines(hlines={"a": 0}, **LOG)],
    "vlines must be above 0 on a log scale, got 0.0": [lambda: lines(vlines={"a": 0}, **LOG)],
    "counts must be whole numbers from 0, got 0.5": [
        lambda: plot_confusion_matrix([[1, 0.5], [0, 1]], classes=["a", "b"], **WORDS),
    ],
    "counts must be whole numbers from 0, got -1.0": [
        lambda: plot_confusion_matrix([[-1]], classes=["a"], **WORDS),
    ],
    "images must not be negative without signed=True, got -1.0": [
        lambda: plot_images(-pictures, columns=2, title=""),
    ],
    "digits must be at least 0, got -1": [lambda: plot_bars(["a"], [1], digits=-1, **TWO)],
    "limit must be at least 2, got 1": [
        lambda: plot_token_weights(["a"], [-2.0], limit=1, **TWO),
    ],
    "ax must have room for 34 lines of tokens, got 9": [
        lambda: plot_token_weights(
            ["x" * 60] * 34, np.zeros(34), ax=panels(1, 2, width=7, height=3)[0, 1], **TWO
        ),
    ],
}


@pytest.mark.parametrize(
    ("error", "sentence", "call"),
    [
        pytest.param(error, sentence, call, id=sentence)
        for error, table in ((ValueError, ARRAYS), (TypeError, KINDS), (ValueError, RANGES))
        for sentence, calls in table.items()
        for call in calls
    ],
)
def test_a_wrong_call_is_answered_in_one_sentence(error, sentence, call):
    with pytest.raises(error, match=f"^{re.escape(sentence)}$"):
        call()


def test_axes_that_no_token_fits_into_are_refused():
    narrow = panels(1, 2, width=0.8, height=3)[0, 0]
    with pytest.raises(ValueError, match=r"^ax must be at least 0.5 inches wide, got 0\.\d+$"):
        plot_token_weights(["a"], [1.0], ax=narrow, **TWO)


def test_nothing_is_drawn_of_what_is_refused():
    ax = panels()[0, 0]
    with pytest.raises(ValueError, match=r"^hlines must be above 0"):
        lines(hlines={"a": 0}, ax=ax, **LOG)
    with pytest.raises(TypeError, match=r"^title must be a text"):
        plot_bars(["a"], [1], title=3, xlabel="", ax=ax)
    assert not ax.has_data()
    assert not ax.texts
