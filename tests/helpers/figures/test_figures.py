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
from functools import partial
from inspect import getmembers, isfunction, signature
from pathlib import Path

import matplotlib.style
import numpy as np
import pytest
from matplotlib.image import imread
from matplotlib.testing.compare import calculate_rms

from helpers import figures
from helpers.figures import canvas
from tests.helpers.figures.drawn import PICTURES, four_panels, words

BASELINES = Path(__file__).with_name("baselines")

# Root mean square over the pixels, each channel from 0 to 255. It leaves room for edges of letters
# and lines that another processor shades a little differently; a full stop that is lost gives more.
TOLERANCE = 0.3

SAVED = {"dpi": 72, "pil_kwargs": {"optimize": True}}


@pytest.fixture(autouse=True)
def _nothing_of_this_machine(monkeypatch):
    monkeypatch.setattr(canvas, "CJK_FONTS", ())
    with matplotlib.style.context("default", after_reset=True):
        yield


compared = partial(
    pytest.mark.mpl_image_compare,
    baseline_dir=BASELINES.name,
    style="default",
    backend="agg",
    tolerance=TOLERANCE,
    deterministic=True,  # no version of matplotlib in the file
    savefig_kwargs=SAVED,
)


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=compared(filename=f"{name}.png")) for name in PICTURES]
)
def test_each_figure_looks_as_it_did(name):
    return PICTURES[name].draw_at_its_size().figure


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
    called = {picture.function.__name__ for picture in PICTURES.values()}
    assert {"finish", "plot_attention_heads", "draw_transformer"} < drawing_functions()
    assert drawing_functions() <= called | set(four_panels.__code__.co_names)


def test_pictures_are_compared(pytestconfig):
    # Without the option pytest-mpl draws every figure, compares none, and lets each test pass.
    assert pytestconfig.getoption("mpl")


def test_every_stored_picture_is_drawn_and_small():
    sizes = {path.stem: path.stat().st_size for path in BASELINES.iterdir()}
    assert set(sizes) == set(PICTURES)
    assert max(sizes.values()) < 35_000
    assert sum(sizes.values()) < 300_000


@pytest.mark.parametrize("name", ["lines", "attention"])
def test_a_small_change_is_seen(name):
    ax = PICTURES[name].draw_at_its_size()
    if ax.lines:  # one of seven points moves up by a fiftieth of the range
        y = ax.lines[0].get_ydata()
        ax.lines[0].set_ydata(y + 0.02 * np.ptp(y) * (np.arange(y.size) == 2))
    else:  # the last token, a full stop, is lost
        ax.set_xticklabels([*words(ax.get_xticklabels())[:-1], ""])
    file = io.BytesIO()
    ax.figure.savefig(file, **SAVED)
    file.seek(0)
    altered, stored = (255 * imread(f)[..., :3] for f in (file, BASELINES / f"{name}.png"))
    assert calculate_rms(stored, altered) > TOLERANCE
