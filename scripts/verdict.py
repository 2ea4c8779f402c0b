"""What is wrong with a lesson that was run in JupyterLab: judged from notebooks, without a browser.

``saved`` is the notebook as JupyterLab saved it after the run, ``stored`` the one in ``notebooks``.
"""

import base64
import io


def code_cells(notebook: dict) -> list[dict]:
    """Return the code cells of a notebook."""
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def has_ended(saved: dict) -> bool:
    """Tell whether "Run All Cells" came to its end: the last cell, or one that failed."""
    cells = code_cells(saved)
    return cells[-1]["execution_count"] is not None or any(
        errors_of(cell) and not may_fail(cell) for cell in cells
    )


def run_problems(saved: dict) -> list[str]:
    """Say which code cells were not run in order, failed, or warned."""
    problems = []
    for expected, cell in enumerate(code_cells(saved), start=1):
        name, count, errors = repr(cell["id"]), cell["execution_count"], errors_of(cell)
        if count is None:
            problems.append(f"cell {name} was not run")
        elif count != expected:
            problems.append(f"cell {name} was run as number {count}, expected {expected}")
        if errors and not may_fail(cell):
            problems.append(f"cell {name} failed: {errors[0]['ename']}: {errors[0]['evalue']}")
        if may_fail(cell) and count is not None and not errors:
            problems.append(f"cell {name} raised nothing, expected an error (raises-exception)")
        for output in cell["outputs"]:
            if output.get("name") == "stderr":
                problems.append(f"cell {name} wrote to stderr: {output['text'].strip()}")
    return problems


def errors_of(cell: dict) -> list[dict]:
    """Return the errors that a code cell shows."""
    return [output for output in cell["outputs"] if output["output_type"] == "error"]


def may_fail(cell: dict) -> bool:
    """Tell whether a cell is meant to fail."""
    return "raises-exception" in cell["metadata"].get("tags", [])


def pictures_stored(stored: dict) -> list[int]:
    """Return how many pictures each cell of a notebook shows."""
    return [
        sum("image/png" in output.get("data", {}) for output in cell.get("outputs", []))
        for cell in stored["cells"]
    ]


def picture_problems(stored: dict, shown: list[int]) -> list[str]:
    """Say which cells show more or fewer pictures in the page than in the stored notebook."""
    if len(shown) != len(stored["cells"]):
        return [f"the page holds {len(shown)} cells, expected {len(stored['cells'])}"]
    return [
        f"cell {cell['id']!r} shows {got} pictures, expected {expected}"
        for cell, got, expected in zip(stored["cells"], shown, pictures_stored(stored), strict=True)
        if got != expected
    ]


def promises_sliders(stored: dict) -> bool:
    """Tell whether a lesson asks ipywidgets for sliders."""
    return any("interact(" in cell["source"] for cell in code_cells(stored))


def pixels(source: str | None) -> tuple | None:
    """Return the size and the pixels of the picture in a ``data:`` address, if there is one."""
    from PIL import Image

    if source is None:
        return None
    picture = Image.open(io.BytesIO(base64.b64decode(source.partition(",")[2]))).convert("RGBA")
    return picture.size, picture.tobytes()
