"""The course as a whole: imports, every lesson, and ``make test``, in seconds and in memory.

Imports are timed in fresh interpreters that do nothing else. First each module of the helpers alone
after torch, once, which also brings the files into the system's cache; then torch alone and torch
with the helpers, in turn. The libraries below the helpers are part of their time, so those modules
that draw in no matplotlib, and matplotlib by itself, are given beside the whole.

Lessons are executed as ``make run`` does (``scripts/execution.py``): seconds from the start of the
kernel to the end of the last cell, and the kernel's peak memory.

``make test`` is what the target calls once ``.venv`` is set up. Once a second the resident memory
of its whole tree of processes is added up. What processes share, such as torch's libraries, counts
once for each of them, so the sum is an upper bound.
"""

import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from statistics import median

import psutil

from benchmarks.jobs import ROOT, Job, run_jobs
from benchmarks.report import table

WANTED_IMPORT = 0.2  # s that the helpers may take beyond torch
SIDE_BY_SIDE = 2  # lessons at a time, as in `make test`
QUICK_LESSONS = ("02_transformer_theory", "06_loan_calculator")
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
    paths = sorted((ROOT / "helpers").glob("*.py"))
    return [f"helpers.{path.stem}" for path in paths if path.stem != "__init__"]


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


def lesson(name: str) -> dict:
    """Execute one lesson in a kernel of its own."""
    import course
    from execution import execute

    course.set_notebook_environment()
    run = execute(course.NOTEBOOKS / f"{name}.ipynb")
    return {"name": name, "seconds": run.seconds, "peak": run.memory, "problem": run.problem}


def tree_memory(process: psutil.Process) -> float:
    """Return the resident memory of a process and all below it, in GB (10^9 bytes)."""
    total = 0
    for member in [process, *process.children(recursive=True)]:
        with suppress(psutil.NoSuchProcess):  # ended meanwhile
            total += member.memory_info().rss
    return total / 1e9


def run_and_watch(command: list[str], *, interval: float = 1.0) -> dict:
    """Run a command; return its exit code, wall time, peak of memory and what it says failed."""
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
    return {"exit": code, "seconds": seconds, "peak": peak, "samples": samples, "said": said}


def measure(quick: bool) -> dict:
    """Measure imports, lessons and the tests."""
    names = sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb"))
    jobs = [Job(lesson, {"name": name}) for name in names if not quick or name in QUICK_LESSONS]
    command = [sys.executable, str(ROOT / "scripts" / "course.py"), "test"]
    return {
        "imports": measure_imports(rounds=1 if quick else 5),
        "lessons": run_jobs(jobs, side_by_side=SIDE_BY_SIDE),
        "test": None if quick else run_and_watch(command),
    }


def tell(results: dict, folder: Path) -> str:
    """Describe what `measure` found."""
    parts = [_tell_imports(**results["imports"]), _tell_lessons(results["lessons"])]
    parts += [_tell_test(results["test"])] if results["test"] else []
    return "\n\n".join(["## Course", *parts])


def _tell_imports(seconds: dict[str, list[float]], alone: dict[str, dict]) -> str:
    medians = {kind: median(own) for kind, own in seconds.items()}
    beyond = {kind: value - medians[TORCH] for kind, value in medians.items()}
    rows = [
        [kind, f"{medians[kind]:.2f}", f"{min(own):.2f} to {max(own):.2f}", f"{beyond[kind]:+.2f}"]
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
            table(["import", "median (s)", "range (s)", "beyond torch (s)"], rows),
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


def _tell_lessons(lessons: list[dict]) -> str:
    rows = [
        [run["name"], f"{run['seconds']:.0f}", "-" if run["peak"] is None else f"{run['peak']:.2f}"]
        for run in lessons
    ]
    failed = [f"**{run['name']} failed:** {run['problem']}" for run in lessons if run["problem"]]
    return "\n\n".join(
        [
            f"Lessons, {SIDE_BY_SIDE} at a time on one thread each; alone they may be faster:",
            table(["lesson", "seconds", "peak memory (GB)"], rows),
            *(failed or ["Every lesson ran to its end."]),
        ]
    )


def _tell_test(test: dict) -> str:
    outcome = "passed" if test["exit"] == 0 else f"**failed with exit code {test['exit']}**"
    told = (
        f"`make test` {outcome} after {test['seconds'] / 60:.1f} minutes. All its processes "
        f"together held at most {test['peak']:.2f} GB in {test['samples']} samples."
    )
    if test["said"]:
        told += "\n\n" + "\n".join(["```", *test["said"], "```"])
    return told
