"""What `make test` prints of each notebook: cells compared, and how; seconds and memory."""

import re
from collections.abc import Iterable
from dataclasses import astuple, dataclass
from itertools import chain
from pathlib import Path

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


def write_table(
    reporter: pytest.TerminalReporter, title: str, more: dict[str, dict[str, str]] | None = None
) -> None:
    """Write the table of the notebooks that a test run has reported on.

    Args:
        more: further columns, by the notebook's path as it stands in the ids of the tests.
    """
    reports = [report for reports in reporter.stats.values() for report in reports]
    ids = (getattr(report, "nodeid", "").split("::")[0] for report in reports)
    names = sorted({name for name in ids if name.endswith(".ipynb")})
    rows = []
    for name in names:
        path = reporter.config.rootpath / name
        counts = count_cells(nbformat.read(path, as_version=4))
        rows.append((path.stem, counts, more[name] if more else {}))
    if rows:
        reporter.write_sep("=", title)
        reporter.write_line(format_table(rows))


PEAK = "peak_memory"  # the property of a report that holds it, in GB
COST_LINE = "{name}  {seconds:.1f} s, {peak} GB"


def write_costs(reporter: pytest.TerminalReporter) -> None:
    """Write how long each notebook of a test run took, its kernel's start included, and its peak.

    A notebook whose kernel did not live to tell its peak gets a question mark.
    """
    seconds: dict[str, float] = {}
    peaks: dict[str, str] = {}
    for report in chain.from_iterable(reporter.stats.values()):
        if isinstance(report, pytest.TestReport) and ".ipynb::" in report.nodeid:
            name = Path(report.nodeid.split("::")[0]).stem
            seconds[name] = seconds.get(name, 0.0) + report.duration
            if PEAK in (told := dict(report.user_properties)):
                peaks[name] = f"{told[PEAK]:.2f}"
    if seconds:
        reporter.write_sep("=", "what it took")
    for name in sorted(seconds):
        known = peaks.get(name, "?")
        reporter.write_line(COST_LINE.format(name=name, seconds=seconds[name], peak=known))
