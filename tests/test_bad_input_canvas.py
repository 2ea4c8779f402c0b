"""Bad input for what every figure needs; the law and its harness are in ``bad_input``."""

from functools import cache

import numpy as np
import pytest
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.text import Text

from bad_figures import (
    AX,
    FORMULAS,
    SIZES,
    WORDS,
    check_axes,
    check_equal,
    check_words_equal,
    labels,
    numbers,
    small,
)
from bad_input import (
    Entry,
    Law,
    instance,
    integer,
    number,
    one_of,
    text,
)
from helpers.canvas import (
    as_array,
    as_labels,
    as_limits,
    check_figure,
    check_words,
    dress,
    finish,
    fold,
    label_ticks,
    panels,
    printable,
)

MODULES = ["canvas"]


def check_panels(axes, given):
    assert axes.shape == (given["rows"], given["columns"])
    size = axes[0, 0].figure.get_size_inches()
    np.testing.assert_allclose(size, [float(given["width"]), float(given["height"])])


def check_array(array, given):
    assert (array.dtype, array.ndim) == (np.float64, given["rank"])
    check_equal(array, given["values"])


def check_printable(result, words):
    assert len(result) == len(words)
    pairs = zip(result, words, strict=True)
    assert all(new in (old, " ", "\N{WHITE SQUARE}") for new, old in pairs)


@cache
def shared() -> Axes:
    """An axes that may be written into again and again."""
    return small()


def folded(text, width):
    """Fold the words of a figure; what is no text goes through."""
    fold(text, width)
    return text.get_text()


def ticked(**given):
    label_ticks(**given)
    ticks = given["ax"].get_xticklabels if given["side"] == "x" else given["ax"].get_yticklabels
    return [tick.get_text() for tick in ticks()]


ENTRIES = [
    Entry(
        "canvas.panels",
        lambda: (panels, {"rows": 2, "columns": 3, "width": 6.0, "height": 4.0}),
        {"rows": integer(1, 85), "columns": integer(1, 128)}
        | {"width": number(0.5, 100), "height": number(0.5, 100)},
        check_panels,
    ),
    Entry(
        "canvas.printable",
        lambda: (printable, {"words": "a\tword"}),
        {"words": text()},
        lambda result, given: check_printable(result, given["words"]),
    ),
    Entry(
        "canvas.dress",
        lambda: (dress, {"artist": shared()}),
        {"artist": instance(Artist)},
        lambda result, given: None,
    ),
    Entry(
        "canvas.fold",
        lambda: (folded, {"text": Text(0, 0, "some words", figure=shared().figure), "width": 30.0}),
        {"text": instance(Text), "width": number(0)},
        lambda result, given: check_words_equal(result, "some words"),
    ),
    Entry(
        "canvas.as_array",
        lambda: (as_array, {"name": "values", "values": [[2, 3], [5, 7]], "rank": 2}),
        {"values": numbers(2), "rank": integer(0, 2**63 - 1)},
        check_array,
        names=("values",),
        extra={"values": SIZES},
    ),
    Entry(
        "canvas.as_labels",
        lambda: (as_labels, {"name": "labels", "labels": ["a", "b\nc"], "count": 2}),
        {"labels": labels(), "count": integer(0, 2**63 - 1)},
        lambda result, given: check_words_equal(result, given["labels"]),
        extra={"labels": {"a long one": lambda: ["a", "x" * 1001]}},
    ),
    Entry(
        "canvas.as_limits",
        lambda: (as_limits, {"name": "limits", "limits": (2, 5.0)}),
        {"limits": numbers(1)},
        lambda result, given: check_equal(result, given["limits"]),
        extra={"limits": {"falling": lambda: (5, 2), "three": lambda: (2, 3, 5)} | SIZES},
    ),
    Entry(
        "canvas.label_ticks",
        lambda: (ticked, {"ax": shared(), "side": "x", "labels": ["a", "b"]}),
        {"ax": instance(Axes), "side": one_of("x", "y"), "labels": labels()},
        lambda result, given: check_words_equal(result, given["labels"]),
    ),
    Entry(
        "canvas.finish",
        lambda: (finish, {"ax": shared(), **WORDS}),
        {"ax": instance(Axes), "title": text(), "xlabel": text(), "ylabel": text()},
        check_axes,
        extra=dict.fromkeys(WORDS, FORMULAS),
    ),
    Entry(
        "canvas.check_figure",
        lambda: (check_figure, {"ax": None, "title": "words"}),
        {"ax": AX, "title": text()},
        lambda result, given: None,
    ),
    Entry(
        "canvas.check_words",
        lambda: (check_words, {"title": "words"}),
        {"title": text()},
        lambda result, given: None,
        extra={"title": FORMULAS},
    ),
]


class TestLaw(Law):
    entries = ENTRIES
    modules = MODULES
    examples = 15


def test_panels_have_an_end():
    with pytest.raises(ValueError, match=r"^rows times columns must be at most 256, got 16 x 17$"):
        panels(16, 17)
