"""Bad input for figures; the law and its harness are in ``bad_input``."""

import io
from collections.abc import Iterable
from functools import partial

import numpy as np
import pytest
import torch

from bad_figures import (
    AX,
    FORMULAS,
    SIZES,
    WORDS,
    arranged,
    check_axes,
    check_equal,
    joined,
    labels,
    named,
    numbers,
    small,
)
from bad_input import (
    Entry,
    Kind,
    Law,
    flag,
    instance,
    integer,
    number,
    one_of,
    optional,
    text,
)
from helpers.canvas import LARGEST, panels, printable
from helpers.diagrams import TransformerWords, draw_transformer, plot_token_weights
from helpers.heatmaps import (
    plot_attention,
    plot_attention_heads,
    plot_confusion_matrix,
    plot_heatmap,
    plot_positional_encoding,
)
from helpers.pictures import plot_images
from helpers.plotting import plot_bars, plot_histogram, plot_lines, plot_scatter

MODULES = ["plotting", "heatmaps", "pictures", "diagrams"]


def check_lines(ax, given):
    check_axes(ax, given)
    drawn = ax.get_lines()
    for line, values in zip(drawn, given["series"].values(), strict=False):
        check_equal(line.get_xydata(), np.stack([arranged(given["x"]), arranged(values)], axis=1))
    horizontal, vertical = given["hlines"] or {}, given["vlines"] or {}
    grey = drawn[len(given["series"]) :]
    check_equal([line.get_ydata()[0] for line in grey[: len(horizontal)]], [*horizontal.values()])
    check_equal([line.get_xdata()[0] for line in grey[len(horizontal) :]], [*vertical.values()])
    assert (ax.get_xscale(), ax.get_yscale()) == (given["xscale"], given["yscale"])


def check_scatter(ax, given):
    check_axes(ax, given)
    for points, values in zip(ax.collections, given["series"].values(), strict=True):
        check_equal(points.get_offsets(), values)
    if given["limits"] is not None:
        check_equal([ax.get_xlim(), ax.get_ylim()], [given["limits"]] * 2)


def check_bars(ax, given):
    check_axes(ax, given)
    check_equal([bar.get_width() for bar in ax.patches], given["values"])
    values, places = arranged(given["values"]).astype(float), given["vlines"] or {}
    wanted = [f"{value:.{given['digits']}f}" for value in values]
    assert [text.get_text() for text in ax.texts] == wanted
    check_equal([line.get_xdata()[0] for line in ax.get_lines()], [*places.values()])


def check_histogram(ax, given):
    check_axes(ax, given)
    for shape, values in zip(ax.patches[1::2], given["series"].values(), strict=True):
        counts, edges, _ = shape.get_data()
        values = arranged(values)
        inside = values[(values >= edges[0]) & (values <= edges[-1])]
        assert counts.sum() == inside.size
        if np.ndim(given["bins"]):
            check_equal(edges, given["bins"])
        else:
            assert len(counts) == given["bins"]


def check_image(name, ax, given):
    check_axes(ax, given)
    check_equal(ax.images[0].get_array(), given[name])
    ticks = {"rows": ax.get_yticklabels, "columns": ax.get_xticklabels}
    ticks |= {"queries": ax.get_yticklabels, "keys": ax.get_xticklabels}
    for words, found in ticks.items():
        if given.get(words) is not None:
            assert [tick.get_text() for tick in found()] == [*map(printable, given[words])]
    if isinstance(given.get("cells"), list | tuple):
        shown = [text.get_text() for text in ax.texts]
        assert shown == [printable(words) for row in given["cells"] for words in row]
    if given.get("limits") is not None:
        low, high = given["limits"]
        assert ax.images[0].get_clim() == ((low, high) if low < high else (low - 0.5, low + 0.5))
    if "vmax" in given:
        assert ax.images[0].get_clim() == (0, given["vmax"])


def check_heads(axes, given):
    for ax, head, title in zip(axes, arranged(given["weights"]), given["titles"], strict=True):
        check_equal(ax.images[0].get_array(), head)
        assert joined(ax.get_title()) == joined(title)


def check_confusion(ax, given):
    check_axes(ax, given)
    counts = arranged(given["counts"]).astype(float)
    shown = [text.get_text().split("\n") for text in ax.texts]
    assert [float(count) for count, _ in shown] == counts.ravel().tolist()


def check_images(ax, given):
    check_axes(ax, given)
    for drawn, picture in zip(ax.images, arranged(given["images"]), strict=True):
        check_equal(drawn.get_array(), picture)
    assert given["signed"] or arranged(given["images"]).min() >= 0


def check_tokens(ax, given):
    check_axes(ax, {**given, "ylabel": "", "xlabel": ""})
    shown = [text.get_text() for text in ax.texts]
    assert len(shown) == len(given["tokens"])
    for token, text_ in zip(given["tokens"], shown, strict=True):
        assert text_ == printable(token) or text_.endswith("\N{HORIZONTAL ELLIPSIS}")


def check_transformer(ax, given):
    check_axes(ax, given)
    shown = {joined(text.get_text()) for text in ax.texts}
    assert {joined(word) for word in vars(given["words"]).values() if word} <= shown


def check_same(result, expected):
    assert result == expected


SERIES = {"first": [2.0, 3.0, 5.0], "second": [7.0, 11.0, 13.0]}
ROWS = {
    "no entry": dict,
    "numbers for names": lambda: {2: [2.0, 3.0, 5.0]},
    "a broken formula": lambda: {"$\\frac$": [2.0, 3.0, 5.0]},
    "text": lambda: {"a": "seven"},
    "nan": lambda: {"a": [2.0, 3.0, np.nan]},
    "1e31": lambda: {"a": [2.0, 3.0, 1e31]},
    "too few": lambda: {"a": [2.0]},
    "one too many": lambda: {name: [2.0, 3.0, 5.0] for name in "abcdefgh"},
    "a long name": lambda: {"x" * 10_000: None},
}
REFERENCES = {
    "numbers for names": lambda: {2: 3.0},
    "a broken formula": lambda: {"$\\frac$": 3.0},
    "text": lambda: {"a": "seven"},
    "nan": lambda: {"a": np.nan},
    "inf": lambda: {"a": np.inf},
    "None": lambda: {"a": None},
    "a tensor": lambda: {"a": torch.tensor(3.0)},
    "a list": lambda: {"a": [3.0]},
    "1e31": lambda: {"a": 1e31},
    "0": lambda: {"a": 0},
}
LINES = optional(named(numbers(0)))
CELLS = [["a", "b", "c"], ["d", "e", "f"]]
HALVES = [[0.5, 0.5], [1.0, 0.0], [0.25, 0.75]]

ENTRIES = [
    Entry(
        "plotting.plot_lines",
        lambda: (
            plot_lines,
            {"x": [1, 2, 4], "series": SERIES, "xscale": "log", "yscale": "linear", "ax": None}
            | {"hlines": {"floor": 3.0}, "vlines": {"best": 2.0}, **WORDS},
        ),
        {
            "x": numbers(1),
            "series": named(numbers(1)),
            "xscale": one_of("linear", "log"),
            "yscale": one_of("linear", "log"),
            "hlines": LINES,
            "vlines": LINES,
            "ax": AX,
        },
        check_lines,
        extra={"x": SIZES, "series": ROWS, "hlines": REFERENCES, "vlines": REFERENCES}
        | {"yscale": {"log": lambda: "log"}, "ax": {"an axes": small, "panels": panels}},
    ),
    Entry(
        "plotting.plot_scatter",
        lambda: (
            plot_scatter,
            {"series": {"a": [[2, 3], [5, 7]]}, "limits": (0.0, 9.0), "ax": None, **WORDS},
        ),
        {"series": named(numbers(2)), "limits": optional(numbers(1)), "ax": AX},
        check_scatter,
        extra={
            "series": ROWS | {"three columns": lambda: {"a": [[2, 3, 5]]}},
            "limits": {"falling": lambda: (5, 2), "equal": lambda: (5, 5)} | SIZES,
        },
    ),
    Entry(
        "plotting.plot_bars",
        lambda: (
            plot_bars,
            {"labels": ["a", "b"], "values": [2.0, 3.0], "digits": 2, "vlines": {"cut": 2.5}}
            | {"ax": None, **WORDS},
        ),
        {"labels": labels(), "values": numbers(1), "digits": integer(0, 17), "vlines": LINES}
        | {"ax": AX},
        check_bars,
        extra={"values": SIZES, "vlines": REFERENCES, "digits": {"17": lambda: 17}},
    ),
    Entry(
        "plotting.plot_histogram",
        lambda: (
            plot_histogram,
            {"series": SERIES, "bins": 5, "vlines": {"cut": 3.5}, "ax": None, **WORDS},
        ),
        {
            "series": named(numbers(1)),
            "bins": Kind(
                "a number of bins or their edges",
                lambda bins: integer(1, 1000).takes(bins) or numbers(1).takes(bins),
            ),
            "vlines": LINES,
            "ax": AX,
        },
        check_histogram,
        extra={
            "series": ROWS | {"neighbours": lambda: {"a": [1.0, np.nextafter(1.0, 2)]}},
            "bins": SIZES
            | {"one edge": lambda: [2.0], "falling": lambda: [3.0, 2.0], "auto": lambda: "auto"}
            | {"edges": lambda: [2, 3.5, 9], "10**9": lambda: 10**9},
            "vlines": REFERENCES,
        },
    ),
    Entry(
        "heatmaps.plot_heatmap",
        lambda: (
            plot_heatmap,
            {"values": [[2, 3, 5], [7, 11, 13]], "rows": ["a", "b"], "columns": ["c", "d", "e"]}
            | {"cells": CELLS, "limits": (0.0, 20.0), "colormap": "Blues", "square": True}
            | {"colorbar": "size", "ax": None, **WORDS},
        ),
        {
            "values": numbers(2),
            "rows": optional(labels()),
            "columns": optional(labels()),
            "cells": optional(Kind("rows of words", lambda rows: isinstance(rows, Iterable))),
            "limits": optional(numbers(1)),
            "colormap": text(),
            "square": flag(),
            "colorbar": optional(text()),
            "ax": AX,
        },
        partial(check_image, "values"),
        extra={
            "values": SIZES,
            "limits": {"falling": lambda: (5, 2), "equal": lambda: (5, 5)} | SIZES,
            "cells": {
                "a number": lambda: [["a", "b", "c"], ["d", "e", 7]],
                "a broken formula": lambda: [["a", "b", "c"], ["d", "e", "$\\frac$"]],
                "texts for rows": lambda: ["abc", "def"],
                "None": lambda: [None, None],
            },
        },
    ),
    Entry(
        "heatmaps.plot_attention",
        lambda: (
            plot_attention,
            {"weights": HALVES, "queries": ["a", "b", "c"], "keys": ["d", "e"], "vmax": 1.0}
            | {"colorbar": None, "ax": None, **WORDS},
        ),
        {
            "weights": numbers(2, 0, LARGEST),
            "queries": labels(),
            "keys": labels(),
            "vmax": number(1e-300, LARGEST),
            "ax": AX,
        },
        partial(check_image, "weights"),
        extra={
            "weights": {"above": lambda: [[0.5, 2.0]] * 3, "below": lambda: [[-0.5, 1]] * 3},
        },
    ),
    Entry(
        "heatmaps.plot_attention_heads",
        lambda: (
            plot_attention_heads,
            {"weights": [HALVES, HALVES], "queries": ["a", "b", "c"], "keys": ["d", "e"]}
            | {"titles": ["first", "second"], "vmax": 1.0, "colorbar": "weight"}
            | {"xlabel": "right", "ylabel": "up"},
        ),
        {
            "weights": numbers(3, 0, LARGEST),
            "queries": labels(),
            "keys": labels(),
            "titles": labels(),
            "vmax": number(1e-300, LARGEST),
        },
        check_heads,
        extra={
            "weights": {"many heads": lambda: [HALVES] * 300},
            "titles": {"a broken formula": lambda: ["first", "$\\frac$"]},
        },
    ),
    Entry(
        "heatmaps.plot_positional_encoding",
        lambda: (
            plot_positional_encoding,
            {"encoding": [[2, -3, 5], [7, 11, 13]], "colorbar": "size", "ax": None, **WORDS},
        ),
        {"encoding": numbers(2), "ax": AX},
        partial(check_image, "encoding"),
        extra={"encoding": SIZES},
    ),
    Entry(
        "heatmaps.plot_confusion_matrix",
        lambda: (
            plot_confusion_matrix,
            {"counts": [[2, 3], [5, 0]], "classes": ["a", "b"], "colorbar": None, "ax": None}
            | WORDS,
        ),
        {"counts": numbers(2, 0, 2**53), "classes": labels(), "ax": AX},
        check_confusion,
        extra={"counts": {"halves": lambda: [[0.5, 1], [2, 3]], "1e30": lambda: [[1e30, 1]] * 2}},
    ),
    Entry(
        "pictures.plot_images",
        lambda: (
            plot_images,
            {"images": np.arange(30.0).reshape(2, 3, 5), "columns": 2, "captions": ["a", "b"]}
            | {"rows": ["c"], "signed": False, "ax": None, **WORDS},
        ),
        {
            "images": numbers(3),
            "columns": integer(1, 2**63 - 1),
            "captions": optional(labels()),
            "rows": optional(labels()),
            "signed": flag(),
            "ax": AX,
        },
        check_images,
        extra={
            "images": {
                "one below 0": lambda: [[[-1.0, 2.0]], [[3.0, 5.0]]],
                "far too tall": lambda: np.ones((2, 10_000, 1)),
                "1e31": lambda: np.full((2, 3, 5), 1e31),
            }
        },
    ),
    Entry(
        "diagrams.TransformerWords",
        lambda: (TransformerWords, {"inputs": "Inputs", "value": "V"}),
        {"inputs": text(), "value": text()},
        lambda result, given: check_same({"inputs": result.inputs, "value": result.value}, given),
        extra={"inputs": FORMULAS | {"201 characters": lambda: "x" * 201}},
    ),
    Entry(
        "diagrams.draw_transformer",
        lambda: (draw_transformer, {"title": "words", "words": TransformerWords(), "ax": None}),
        {"words": instance(TransformerWords), "ax": AX},
        check_transformer,
        extra={
            "words": {"long ones": lambda: TransformerWords(attention="x" * 200, query="")},
            "ax": {"a small axes": small},
        },
    ),
    Entry(
        "diagrams.plot_token_weights",
        lambda: (
            plot_token_weights,
            {"tokens": ["a", "b"], "weights": [2.0, -3.0], "limit": 5.0, "ax": None}
            | {"title": "words", "xlabel": "effect"},
        ),
        {"tokens": labels(), "weights": numbers(1), "limit": optional(number(0)), "ax": AX},
        check_tokens,
        extra={
            "weights": SIZES,
            "tokens": {"a long one": lambda: ["x" * 900, "b"], "empty": lambda: ["", "b"]},
            "ax": {"a narrow axes": lambda: panels(1, 30)[0, 0], "an axes": small},
        },
    ),
]


class TestLaw(Law):
    entries = ENTRIES
    modules = MODULES
    examples = 15


NO_WORDS = {"None": None, "a number": 7, "bytes": b"words", "a list": ["words"]} | {
    label: make() for label, make in FORMULAS.items()
}


@pytest.mark.parametrize("entry", ENTRIES, ids=str)
def test_words_are_checked_before_anything_is_drawn(entry):
    ax = small()
    for label, words in NO_WORDS.items():
        draw, given = entry.build()
        given |= {"ax": ax} if "ax" in given else {}
        for name in {"title", "xlabel", "ylabel", "colorbar"} & set(given):
            if words is None and name == "colorbar" and "heads" not in entry.name:
                continue  # no colour bar is wanted
            with pytest.raises((TypeError, ValueError), match=f"^{name} must"):
                pytest.fail(f"accepted {label} as {name}: {draw(**{**given, name: words})}")
    assert not ax.has_data()
    assert not ax.texts


@pytest.mark.parametrize("number", [5e-324, 1e-300, 0.9 * LARGEST])
def test_what_is_accepted_can_be_shown(number):
    """Nothing is left to fail, or to warn, when the figure is laid out and drawn."""
    words, long = {**WORDS, "title": "$5 \\alpha " * 7}, ["x" * 20, "$\\frac$\0\ud800"]
    pair = [number, -number]
    for ax in (
        plot_lines(pair, {"a $x^2$": pair}, hlines={"b": number}, **words),
        plot_lines([1, number], {"a": [number, 1]}, xscale="log", yscale="log", **words),
        plot_scatter({"a": [pair, [0, 1]]}, limits=sorted(pair), **words),
        plot_bars(long, pair, digits=17 if number < 1 else 0, **words),
        plot_histogram({"a": [0, 1]}, vlines={"b": number}, **words),
        plot_histogram({"a": pair}, bins=sorted(pair), **words),
        plot_heatmap([pair], columns=long, **words),
        plot_positional_encoding([pair], **words),
        plot_attention([[number] * 2], queries=["a"], keys=long, vmax=number, **words),
        plot_images([[pair]], columns=7, signed=True, captions=["a"], rows=["b"], **words),
        plot_token_weights(long, pair, title="", xlabel="", ax=small()),
    ):
        ax.figure.savefig(io.BytesIO())


def test_words_of_any_allowed_length_fit_into_the_boxes():
    words = dict.fromkeys(("attention", "inputs", "query", "repeat", "linear"), "x" * 200)
    draw_transformer(title="", words=TransformerWords(**words)).figure.savefig(io.BytesIO())


def test_figures_have_an_end():
    with pytest.raises(ValueError, match=r"^attention must have at most 200 characters, got 201$"):
        TransformerWords(attention="x" * 201)
    with pytest.raises(ValueError, match=r"^tokens must fit in one figure, got 450 in \d+ lines$"):
        plot_token_weights(["x" * 60] * 450, np.zeros(450), title="", xlabel="")
    with pytest.raises(ValueError, match=r"^values must be few enough for one figure, got 300$"):
        plot_bars(["x"] * 300, np.zeros(300), **WORDS)
    with pytest.raises(ValueError, match=r"^images must fit in one figure: 300 rows of 2 x 2 pix"):
        plot_images(np.zeros((300, 2, 2)), columns=1, **WORDS)
    labels_of = {"queries": ["a"], "keys": ["b"], "titles": ["c"] * 400}
    with pytest.raises(ValueError, match=r"^weights must be of few enough heads .*, got 400$"):
        plot_attention_heads(np.ones((400, 1, 1)), **labels_of, xlabel="", ylabel="")


@pytest.mark.parametrize("name", ["hlines", "vlines"])
def test_a_log_scale_has_no_place_for_zero(name):
    log = {"xscale": "log", "yscale": "log"}
    with pytest.raises(ValueError, match=rf"^{name}\['a'\] must be above 0 on a log scale, got 0$"):
        plot_lines([1, 2], {"b": [1, 2]}, **log, **{name: {"a": 0}}, **WORDS)
