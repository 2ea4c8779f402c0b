"""Kinds, bad values and right answers for the tests of bad input for figures."""

from collections.abc import Collection, Mapping

import numpy as np
import torch
from matplotlib.axes import Axes

from bad_input import Kind, instance, optional
from helpers.canvas import LARGEST, panels, printable

WORDS = {"title": "A finding about $d_k$", "xlabel": "right", "ylabel": "up"}
FORMULAS = {
    "a broken formula": lambda: "about $\\frac{1}$",
    "a formula that is none": lambda: "$\\nonsense{$",
    "a formula in one of two lines": lambda: "about\n$\\frac{1}$",
    "an odd number of dollars": lambda: "$5 \\frac $6 and $7 " * 9,
    "1,001 characters": lambda: "x" * 1001,
}
SIZES = {
    "1e31": lambda: 1e31,
    "a list of 1e300": lambda: [1e300, -1e300],
    "a masked array": lambda: np.ma.masked_array([1.0, 2.0], [True, False]),
    "long doubles": lambda: np.array([1e300, 1], np.longdouble) * np.longdouble("1e300"),
}
AX = optional(instance(Axes))


def arranged(value: object) -> np.ndarray:
    """Return numbers as an array; what are none become text."""
    if torch.is_tensor(value):
        if value.is_meta or value.is_complex() or value.layout is not torch.strided:
            return np.array("none")
        value = value.detach().double().numpy()
    try:
        return np.asarray(value)
    except (TypeError, ValueError, RuntimeError):
        return np.array("none")


def numbers(rank: int, low: float = -LARGEST, high: float = LARGEST) -> Kind:
    def takes(value: object) -> bool:
        array = arranged(value)
        if array.dtype.kind not in "biuf" or array.ndim != rank or array.size == 0:
            return False
        return bool(low <= array.min() <= array.max() <= high) and not np.ma.is_masked(value)

    return Kind(f"numbers of rank {rank} from {low} to {high}", takes)


def named(kind: Kind) -> Kind:
    """A mapping from names to ``kind``."""

    def takes(value: object) -> bool:
        return isinstance(value, Mapping) and all(
            isinstance(name, str) and kind.takes(entry) for name, entry in value.items()
        )

    return Kind(f"names of {kind.name}", takes)


def labels() -> Kind:
    def takes(value: object) -> bool:
        if isinstance(value, str | bytes | set) or not isinstance(value, Collection):
            return False
        return getattr(value, "ndim", 1) > 0 and all(isinstance(word, str) for word in value)

    return Kind("labels", takes)


def small() -> Axes:
    return panels(width=3.0, height=2.0)[0, 0]


# Right answers.


def joined(words: str) -> str:
    return "".join(printable(words).split())


def check_axes(ax, given):
    assert isinstance(ax, Axes)
    assert given.get("ax") in (None, ax)
    assert joined(ax.get_title()) == joined(given["title"])
    for name, shown in (("xlabel", ax.get_xlabel()), ("ylabel", ax.get_ylabel())):
        assert name not in given or shown == printable(given[name])


def check_equal(array, expected):
    np.testing.assert_array_equal(array, np.asarray(arranged(expected), dtype=float))


def check_words_equal(result, words):
    assert "".join("".join(result).split()) == joined("".join(words))
