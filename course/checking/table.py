"""What a test run tells of each notebook: cells compared, and how; seconds and memory."""

import json
import re
from collections.abc import Iterable
from dataclasses import asdict, astuple, dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import nbformat
import pytest

FLOOR = 0.95  # of the code cells with output, at least this share is compared


@dataclass(frozen=True)
class CellCounts:
    """The code cells of a notebook; those with output are exact, within a tolerance, or exempt."""

    code: int
    with_output: int
    exact: int
    tolerant: int
    exempt: int

    def __add__(self, other: "CellCounts") -> "CellCounts":
        return CellCounts(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))

    @property
    def compared(self) -> float:
        """The share of the cells with output that are compared, exactly or within a tolerance."""
        return (self.exact + self.tolerant) / self.with_output if self.with_output else 1.0


def count_cells(notebook: dict) -> CellCounts:
    """Count the code cells of a notebook by how nbval treats their stored outputs.

    A cell that was never run is exempt, whatever its tags. So is one whose outputs hold nothing
    that nbval looks at: a picture alone, without a text.
    """
    counts = CellCounts(0, 0, 0, 0, 0)
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            kind = _kind(cell) if cell["outputs"] else ""
            counts += CellCounts(1, kind != "", *(kind == k for k in ("exact", "rtol", "exempt")))
    return counts


def _kind(cell: dict) -> str:
    tags = cell["metadata"].get("tags", [])
    told = re.search(r"#\s*(?:NBVAL|PYTEST_VALIDATE)_(?:IGNORE_OUTPUT|SKIP)", cell["source"])
    looked_at = any(
        output["output_type"] in ("stream", "error")
        or any(not kind.startswith("image/p") for kind in output["data"])
        for output in cell["outputs"]
    )
    if (
        {"nbval-ignore-output", "nbval-skip"} & set(tags)
        or told
        or cell["execution_count"] is None
        or not looked_at
    ):
        return "exempt"
    return "rtol" if any(tag.startswith("rtol") for tag in tags) else "exact"


HEADER = ("notebook", "code cells", "with output", "exact", "tolerance", "exempt", "compared")


def format_table(rows: Iterable[tuple[str, CellCounts, dict[str, str]]]) -> str:
    """Return a table of notebooks, with further columns as given, and a last line for the course.

    Args:
        rows: name, counts, and the further columns by title: "caught/tried", which are added up.
    """
    rows = list(rows)
    total = sum((counts for _, counts, _ in rows), CellCounts(0, 0, 0, 0, 0))
    titles = list(rows[0][2]) if rows else []
    sums = {
        title: "/".join(
            str(sum(int(row[2][title].split("/")[part]) for row in rows)) for part in (0, 1)
        )
        for title in titles
    }
    lines = [(*HEADER, *titles)]
    for name, counts, more in [*rows, ("course", total, sums)]:
        numbers = [str(number) for number in astuple(counts)]
        lines.append((name, *numbers, f"{counts.compared:.1%}", *more.values()))
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return "\n".join(
        "  ".join(
            text.ljust(width) if column == 0 else text.rjust(width)
            for column, (text, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in lines
    )


@dataclass
class Compared:
    """A notebook of a test run: its cells, the kernel's time with its start, and its peak in GB."""

    id: str  # its path, as it stands in the ids of the tests
    cells: CellCounts
    seconds: float = 0.0
    peak: float | None = None  # None if the kernel did not live to tell it

    @property
    def name(self) -> str:
        return Path(self.id).stem


PEAK = "peak_memory"  # the property of a report that holds it


def compared_in(reporter: pytest.TerminalReporter) -> list[Compared]:
    """Return the notebooks that a test run has reported on, in order."""
    found: dict[str, Compared] = {}
    for report in chain.from_iterable(reporter.stats.values()):
        path = getattr(report, "nodeid", "").partition("::")[0]
        if isinstance(report, pytest.TestReport) and path.endswith(".ipynb"):
            if path not in found:
                stored = nbformat.read(reporter.config.rootpath / path, as_version=4)
                found[path] = Compared(path, count_cells(stored))
            found[path].seconds += report.duration
            noted: dict[str, Any] = dict(report.user_properties)
            found[path].peak = noted.get(PEAK, found[path].peak)
    return sorted(found.values(), key=lambda one: one.id)


def write_table(
    reporter: pytest.TerminalReporter,
    title: str,
    notebooks: list[Compared],
    more: dict[str, dict[str, str]] | None = None,
) -> None:
    """Write the table of the notebooks of a test run.

    Args:
        more: further columns, by the notebook's id.
    """
    reporter.write_sep("=", title)
    rows = ((one.name, one.cells, more[one.id] if more else {}) for one in notebooks)
    reporter.write_line(format_table(rows))


def write_costs(reporter: pytest.TerminalReporter, notebooks: list[Compared]) -> None:
    """Write how long each notebook took and what memory it needed, with ? for what is not known."""
    reporter.write_sep("=", "what it took")
    for one in notebooks:
        peak = "?" if one.peak is None else f"{one.peak:.2f}"
        reporter.write_line(f"{one.name}  {one.seconds:.1f} s, {peak} GB")


def as_json(notebooks: list[Compared]) -> str:
    """Return what is known of the notebooks, by name."""
    return json.dumps({one.name: asdict(one) for one in notebooks}, indent=1) + "\n"
