"""The course as a whole: imports, every lesson, and ``make test``, in seconds and in memory.

Imports are timed in fresh interpreters that do nothing else. First each module of the helpers alone
after torch, once, which also brings the files into the system's cache; then torch alone and torch
with the helpers, in turn. The libraries below the helpers are part of their time, so those modules
that draw in no matplotlib, and matplotlib by itself, are given beside the whole.

``make test`` is what the target calls once ``.venv`` is set up. It notes what each lesson took
(``course.checking.table``): seconds from the start of the kernel to its end, and the kernel's peak
memory. Once a second the resident memory of its whole tree of processes is added up. What processes
share, such as torch's libraries, counts once for each of them, so the sum is an upper bound. A
quick run tests two lessons alone.
"""

import json
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from statistics import median

import psutil

from benchmarks.report import table
from course.checking.plugin import COMPARED
from course.places import ROOT

WANTED_IMPORT = 0.2  # s that the helpers may take beyond torch
QUICK = ["notebooks/02b_transformer_theory_model.ipynb", "notebooks/06_loan_calculator.ipynb"]
SHOWN_MODULES = 8
SHOWN_LINES = 20  # of what failed tests say

TORCH, PACKAGE, MODULES = "torch alone", "torch, helpers", "torch, every module of helpers"
PLAIN = "torch, the modules of helpers without matplotlib"
MATPLOTLIB = "torch, matplotlib.figure"

# Prints the seconds of `import torch`, those of what comes after it, and whether that brought
# matplotlib.
TIMED_IMPORT = """
import sys, time
start = time.perf_counter()
import torch
between = time.perf_counter()
{statement}
end = time.perf_counter()
print(between - start, end - between, int("matplotlib" in sys.modules))
"""


def helper_modules() -> list[str]:
    """Return the names of all modules of the helpers, in alphabetical order."""
    paths = (path.relative_to(ROOT) for path in (ROOT / "helpers").rglob("[!_]*.py"))
    return sorted(".".join(path.with_suffix("").parts) for path in paths)


def timed_import(statement: str) -> tuple[float, float, bool]:
    """Time ``import torch`` and a statement after it, and see whether matplotlib is there now."""
    command = [sys.executable, "-c", TIMED_IMPORT.format(statement=statement)]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    torch_alone, after, matplotlib = done.stdout.split()
    return float(torch_alone), float(after), matplotlib == "1"


def measure_imports(rounds: int) -> dict:
    """Time each module of the helpers alone after torch, then all of them, in alternation."""
    alone = {}
    for module in helper_modules():
        _, after, matplotlib = timed_import(f"import {module}")
        alone[module] = {"seconds": after, "matplotlib": matplotlib}
    plain = [module for module, found in alone.items() if not found["matplotlib"]]
    statements = {
        TORCH: "",
        PACKAGE: "import helpers",
        PLAIN: f"import {', '.join(plain)}",
        MODULES: f"import {', '.join(alone)}",
        MATPLOTLIB: "import matplotlib.figure",
    }
    seconds = {kind: [] for kind in statements}
    for _ in range(rounds):
        for kind, statement in statements.items():
            torch_alone, after, _ = timed_import(statement)
            seconds[kind].append(torch_alone + after)
    return {"seconds": seconds, "alone": alone}


def tree_memory(process: psutil.Process) -> float:
    """Return the resident memory of a process and all below it, in GB (10^9 bytes)."""
    total = 0
    for member in [process, *process.children(recursive=True)]:
        with suppress(psutil.NoSuchProcess):  # ended meanwhile
            total += member.memory_info().rss
    return total / 1e9


def run_and_watch(command: list[str], *, interval: float = 1.0) -> dict:
    """Run a command of tests; return its exit code, wall time, peak of memory, and what failed.

    What it notes of each lesson is returned in words: name, seconds, and peak memory in GB.
    """
    noted = ROOT / COMPARED
    noted.unlink(missing_ok=True)
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as output:
        start, peak, samples, code = time.perf_counter(), 0.0, 0, None
        process = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT)
        root = psutil.Process(process.pid)
        while code is None:
            peak, samples = max(peak, tree_memory(root)), samples + 1
            with suppress(subprocess.TimeoutExpired):
                code = process.wait(interval)
        seconds = time.perf_counter() - start
        output.seek(0)
        lines = output.read().splitlines()
    failures = [line for line in lines if line.startswith(("FAILED", "ERROR"))]
    said = (failures or lines)[-SHOWN_LINES:] if code else []
    found = json.loads(noted.read_text("utf-8")) if noted.exists() else {}
    lessons = [
        {
            "name": name,
            "seconds": f"{one['seconds']:.1f}",
            "peak": "?" if one["peak"] is None else f"{one['peak']:.2f}",
        }
        for name, one in found.items()
    ]
    return {
        **{"exit": code, "seconds": seconds, "peak": peak, "samples": samples, "said": said},
        "lessons": lessons,
    }


def measure(quick: bool) -> dict:
    """Measure imports and the tests, and with these the lessons."""
    tested, arguments = "`make test`", ["-m", "course", "test"]
    if quick:
        tested = "The test of two lessons"
        arguments = ["-m", "pytest", "--nbval", "--nbval-current-env", *QUICK]
    return {
        "imports": measure_imports(rounds=1 if quick else 5),
        "tested": tested,
        "test": run_and_watch([sys.executable, *arguments]),
    }


def tell(results: dict, folder: Path) -> str:
    """Describe what `measure` found."""
    parts = [_tell_imports(**results["imports"]), _tell_test(results["tested"], results["test"])]
    return "\n\n".join(["## Course", *parts])


def _tell_imports(seconds: dict[str, list[float]], alone: dict[str, dict]) -> str:
    # Whatever else the machine does only adds to a time, so the fastest says most.
    beyond = {kind: min(own) - min(seconds[TORCH]) for kind, own in seconds.items()}
    rows = [
        [kind, f"{min(own):.2f}", f"{median(own):.2f}", f"{max(own):.2f}", f"{beyond[kind]:+.2f}"]
        for kind, own in seconds.items()
    ]
    verdicts = [
        f"- {kind}: {beyond[kind]:+.2f} s beyond torch, "
        f"{'at most' if beyond[kind] <= WANTED_IMPORT else 'more than'} the {WANTED_IMPORT} s meant"
        for kind in (PACKAGE, PLAIN, MODULES)
    ]
    slow = [name for name, found in alone.items() if found["seconds"] > WANTED_IMPORT]
    drawn = sum(alone[name]["matplotlib"] for name in slow)
    return "\n\n".join(
        [
            f"Imports in fresh interpreters, {len(seconds[TORCH])} of each kind:",
            table(
                ["import", "fastest (s)", "median (s)", "slowest (s)", "fastest, beyond torch (s)"],
                rows,
            ),
            "\n".join(verdicts),
            f"Of the {len(alone)} modules, {len(slow)} take more than {WANTED_IMPORT} s each when "
            f"imported alone after torch; {drawn} of these draw in matplotlib. The slowest:",
            _slowest(alone),
        ]
    )


def _slowest(alone: dict[str, dict]) -> str:
    order = sorted(alone, key=lambda name: -alone[name]["seconds"])[:SHOWN_MODULES]
    rows = [
        [name, f"{alone[name]['seconds']:.2f}", "yes" if alone[name]["matplotlib"] else "no"]
        for name in order
    ]
    return table(["module alone, after torch", "seconds", "matplotlib"], rows)


def _tell_test(tested: str, test: dict) -> str:
    outcome = "passed" if test["exit"] == 0 else f"**failed with exit code {test['exit']}**"
    rows = [[run["name"], run["seconds"], run["peak"]] for run in test["lessons"]]
    told = (
        f"{tested} {outcome} after {test['seconds'] / 60:.1f} minutes. All its processes "
        f"together held at most {test['peak']:.2f} GB in {test['samples']} samples."
    )
    told += (
        "\n\nIts lessons, on one thread each (`make test` runs two at a time; alone they may be "
        "faster):\n\n"
    )
    told += table(["lesson", "seconds", "peak memory (GB)"], rows)
    if test["said"]:
        told += "\n\n" + "\n".join(["```", *test["said"], "```"])
    return told
