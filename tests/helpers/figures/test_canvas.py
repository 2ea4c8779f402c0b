"""helpers.figures.canvas: blank axes, numbers that can be drawn, words that can be printed."""

import numpy as np
import pytest
import torch

from helpers.figures import canvas
from helpers.figures.canvas import MISSING, as_array, panels


def test_panels_have_the_size_that_was_asked_for():
    axes = panels(2, 3, width=7, height=5.5)
    assert axes.shape == (2, 3)
    assert {tuple(ax.figure.get_size_inches()) for ax in axes.flat} == {(7, 5.5)}
    assert len({ax.figure for ax in axes.flat}) == 1


NUMBERS = torch.tensor([[2.0, -3.0, 5.0], [0.5, 0.0, 13.0]])


@pytest.mark.parametrize(
    "values",
    [
        NUMBERS.tolist(),
        tuple(map(tuple, NUMBERS.tolist())),
        list(NUMBERS.numpy()),
        NUMBERS.numpy(),
        NUMBERS.numpy().astype(np.longdouble),
        NUMBERS,
        NUMBERS.bfloat16(),
        NUMBERS.double().requires_grad_(),
        torch.stack([NUMBERS, NUMBERS], dim=2)[:, :, 0],  # not contiguous
        torch.nn.Parameter(NUMBERS.T.contiguous()).T,
    ],
)
def test_numbers_of_every_kind_become_one_array(values):
    array = as_array("values", values, 2)
    assert array.dtype == np.float64
    assert array.tolist() == NUMBERS.tolist()


def test_integers_and_truth_values_are_numbers_and_so_is_one_alone():
    assert as_array("values", torch.tensor([True, False]), 1).tolist() == [1.0, 0.0]
    assert as_array("values", range(3), 1).tolist() == [0.0, 1.0, 2.0]
    assert as_array("values", [torch.tensor(3), np.float32(0.5)], 1).tolist() == [3.0, 0.5]
    for one in (7, np.int8(7), np.array(7.0), torch.tensor(7)):
        assert as_array("values", one, 0) == 7.0


def test_arrays_are_copied():
    for values in (np.arange(5.0), torch.arange(5.0, dtype=torch.float64)):
        as_array("values", values, 1)[:] = 9
        assert values.tolist() == [0, 1, 2, 3, 4]


def test_labels_are_printable_and_of_one_line():
    assert canvas.as_labels("labels", ("a", "b\nc\td", "\x96"), 3) == ["a", "b c d", MISSING]
    assert canvas.as_labels("labels", np.array(["a", "b"]), 2) == ["a", "b"]
    assert canvas.as_labels("labels", {"a": 1, "b": 2}, 2) == ["a", "b"]
    assert canvas.as_labels("labels", None, 3) is None


def test_limits_are_two_numbers():
    assert canvas.as_limits("limits", (2, 5.5)) == (2.0, 5.5)
    assert canvas.as_limits("limits", np.array([-1, 0])) == (-1.0, 0.0)


def test_many_labels_become_small_and_long_ones_stand_upright():
    ax = panels(width=4, height=4)[0, 0]
    sizes = {}
    for count in (5, 25, 400):
        canvas.label_ticks(ax, "y", ["x"] * count)
        sizes[count] = ax.get_yticklabels()[0].get_size()
    assert sizes[5] == 9 > sizes[25] > sizes[400] == 5.5
    for labels, angle in ((["a", "b"], 0), (["a", "long" * 30], 90)):
        other = panels(width=4, height=4)[0, 0]
        canvas.label_ticks(other, "x", labels)
        assert [text.get_rotation() for text in other.get_xticklabels()] == [angle] * 2
        assert list(other.get_xticks()) == [0, 1]


def test_printable_keeps_what_a_font_has(monkeypatch):
    monkeypatch.setattr(canvas, "CJK_FONTS", ("no such font",))
    assert canvas.printable("d × √2\n中\x96\t!") == f"d × √2\n{MISSING}{MISSING} !"  # noqa: RUF001
    monkeypatch.setattr(canvas, "CJK_FONTS", ("no such font", "Last Resort High-Efficiency"))
    assert canvas.printable("中") == "中"
    monkeypatch.setenv("COURSE_STATIC", "1")  # what is compared depends on no machine's fonts
    assert canvas.printable("中") == MISSING


def test_long_titles_are_folded_and_formulas_stay_whole():
    ax = panels(width=3, height=2)[0, 0]
    text = ax.set_title(
        "A long title with ($a = b + c$) amid its many words 中文标题很长、很长很长、很长很长很长"
    )
    canvas.dress(ax)
    before = text.get_text()
    canvas.fold(text, 150)
    assert text.get_window_extent().width <= 150
    lines = text.get_text().split("\n")
    assert len(lines) > 3
    assert "".join(lines).replace(" ", "") == before.replace(" ", "")
    assert sum("($a = b + c$)" in line for line in lines) == 1
