"""How much of the course is compared: the counts, the table, and the floor."""

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from course.checking.table import FLOOR, CellCounts, count_cells, format_table
from course.notebook import read_notebook
from course.places import find_notebooks

TEXT = new_output("stream", name="stdout", text="0.5\n")
PICTURE = new_output("display_data", {"image/png": "aGk="})
NAMED = new_output("display_data", {"image/png": "aGk=", "text/plain": "<Figure>"})
ERROR = new_output("error", ename="E", evalue="v", traceback=[])


def code(*outputs, tags=(), count=1, source="x"):
    metadata = {"tags": list(tags)}
    return new_code_cell(source, outputs=list(outputs), execution_count=count, metadata=metadata)


@pytest.mark.parametrize("path", find_notebooks(), ids=lambda path: path.stem)
def test_nearly_all_cells_with_output_are_compared(path):
    counts = count_cells(read_notebook(path))
    assert counts.with_output >= 20, "a lesson that shows next to nothing proves nothing"
    assert counts.compared >= FLOOR, counts


@pytest.mark.parametrize(
    ("cell", "kind"),
    [
        (new_markdown_cell("x"), CellCounts(0, 0, 0, 0, 0)),
        (code(), CellCounts(1, 0, 0, 0, 0)),
        (code(tags=["nbval-skip"]), CellCounts(1, 0, 0, 0, 0)),
        (code(TEXT), CellCounts(1, 1, 1, 0, 0)),
        (code(ERROR, tags=["raises-exception"]), CellCounts(1, 1, 1, 0, 0)),
        (code(NAMED), CellCounts(1, 1, 1, 0, 0)),
        (code(PICTURE, TEXT), CellCounts(1, 1, 1, 0, 0)),
        (code(TEXT, tags=["raises-exception", "rtol=0.1"]), CellCounts(1, 1, 0, 1, 0)),
        (code(PICTURE), CellCounts(1, 1, 0, 0, 1)),
        (code(TEXT, tags=["nbval-ignore-output"]), CellCounts(1, 1, 0, 0, 1)),
        (code(TEXT, tags=["nbval-skip"]), CellCounts(1, 1, 0, 0, 1)),
        (code(TEXT, source="# NBVAL_IGNORE_OUTPUT\nx"), CellCounts(1, 1, 0, 0, 1)),
        (code(TEXT, source="x\n#NBVAL_SKIP"), CellCounts(1, 1, 0, 0, 1)),
        (code(TEXT, count=None), CellCounts(1, 1, 0, 0, 1)),
    ],
)
def test_a_cell_is_counted_as_nbval_treats_it(cell, kind):
    assert count_cells(new_notebook(cells=[cell])) == kind


def test_the_share_is_of_the_cells_with_output():
    cells = [code(), code(TEXT), code(TEXT, tags=["rtol=0.1"]), code(TEXT, tags=["nbval-skip"])]
    assert count_cells(new_notebook(cells=cells)).compared == pytest.approx(2 / 3)
    assert count_cells(new_notebook(cells=[code()])).compared == 1


def test_the_table_adds_up():
    a, b = CellCounts(7, 5, 2, 2, 1), CellCounts(11, 5, 5, 0, 0)
    table = format_table([("01_a", a, {"word": "2/3"}), ("02_b", b, {"word": "5/7"})])
    assert [" ".join(line.split()) for line in table.splitlines()] == [
        "notebook code cells with output exact tolerance exempt compared word",
        "01_a 7 5 2 2 1 80.0% 2/3",
        "02_b 11 5 5 0 0 100.0% 5/7",
        "course 18 10 7 2 1 90.0% 7/10",
    ]
    assert len({len(line) for line in table.splitlines()}) == 1
