"""The command behind `make matrix`: every lesson on every processor that this one can stand in for.

Libraries choose their code by the processor's instruction set, and other code rounds otherwise.
Environment variables can ask them for an older set, so that a new processor stands in for older
ones. Each lesson is compared with its stored outputs as in `make test`, once for each instruction
set that the machine has and each number of threads. A lesson that fails needs sturdier claims or
float64, not a wider tolerance.
"""

import os
import platform
import subprocess
import sys
import time
from pathlib import Path
from xml.etree import ElementTree

from course import environment
from course.commands import WORKERS, notebook_test_command
from course.ending import CourseError
from course.notebook import sort_out
from course.places import BUILD, ROOT, find_notebooks

THREADS = (1, 2)

# By PyTorch's name of the set: what oneDNN, MKL and OpenBLAS call it, and what NumPy must leave
# out. MKL obeys on Intel's processors only.
INSTRUCTION_SETS = {
    "default": ("SSE41", "SSE4_2", "Nehalem", "X86_V3 X86_V4 AVX512_ICL AVX512_SPR"),
    "avx2": ("AVX2", "AVX2", "Haswell", "X86_V4 AVX512_ICL AVX512_SPR"),
    "avx512": ("AVX512_CORE", "AVX512", "SkylakeX", ""),
}


def environment_of(instructions: str, threads: int) -> dict[str, str]:
    """Return the variables that make all libraries use one instruction set, and so many threads."""
    variables = {"ATEN_CPU_CAPABILITY": instructions, "OMP_NUM_THREADS": str(threads)}
    if platform.machine() in ("x86_64", "AMD64"):
        onednn, mkl, openblas, numpy = INSTRUCTION_SETS[instructions]
        variables |= {
            "ONEDNN_MAX_CPU_ISA": onednn,
            "MKL_ENABLE_INSTRUCTIONS": mkl,
            "OPENBLAS_CORETYPE": openblas,
            "NPY_DISABLE_CPU_FEATURES": numpy,
        }
    return variables


def available() -> list[str]:
    """Return the instruction sets up to the best that PyTorch chooses here when it is told nothing.

    Told of a better one, it would believe that there is one, and die of it.
    """
    code = "import torch; print(torch.backends.cpu.get_cpu_capability())"
    told = environment_of("default", 1)
    env = {name: value for name, value in os.environ.items() if name not in told}
    best = subprocess.run(
        [sys.executable, "-c", code], env=env, check=True, capture_output=True, text=True
    ).stdout.strip()
    sets = list(INSTRUCTION_SETS)
    return sets[: sets.index(best.lower()) + 1] if best.lower() in sets else sets[:1]


def compare(instructions: str, threads: int, lessons: list[Path]) -> dict[str, str]:
    """Compare the lessons in one configuration; return "pass" or what failed, by lesson."""
    report = BUILD / "matrix" / f"{instructions}-{threads}.xml"
    log = report.with_suffix(".txt")
    report.parent.mkdir(parents=True, exist_ok=True)
    report.unlink(missing_ok=True)
    # Lessons of two threads each do not run side by side on two cores.
    workers = 1 if threads > 1 else WORKERS
    command = [*notebook_test_command(lessons, workers=workers), f"--junitxml={report}"]
    env = os.environ | environment_of(instructions, threads)
    with log.open("w", encoding="utf-8") as output:
        subprocess.run(
            [sys.executable, *command], cwd=ROOT, env=env, check=False, stdout=output, stderr=output
        )
    if not report.exists():
        raise CourseError(f"the tests did not come to an end: see {log}")
    return verdicts(report, [path.stem for path in lessons])


def verdicts(report: Path, lessons: list[str]) -> dict[str, str]:
    """Return "pass" or the cells that failed, by lesson, from a JUnit report.

    A lesson of which the report knows no cell has not passed.
    """
    seen: set[str] = set()
    failed: dict[str, list[str]] = {}
    for case in ElementTree.parse(report).iter("testcase"):
        lesson = case.attrib["classname"].removesuffix(".ipynb").rpartition(".")[2]
        seen.add(lesson)
        if any(case.find(kind) is not None for kind in ("failure", "error", "skipped")):
            failed.setdefault(lesson, []).append(case.attrib["name"])
    return {
        lesson: ", ".join(failed.get(lesson, ["pass" if lesson in seen else "not run"]))
        for lesson in lessons
    }


def format_matrix(columns: dict[str, dict[str, str]]) -> str:
    """Return a table with a line a lesson and a column a configuration."""
    lessons = list(next(iter(columns.values())))
    lines = [["lesson", *columns]]
    lines += [[lesson, *(column[lesson] for column in columns.values())] for lesson in lessons]
    widths = [max(map(len, texts)) for texts in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def run_matrix(names: list[str]) -> int:
    """Compare the lessons in every configuration, and print the table."""
    readable, unreadable = sort_out(find_notebooks(names))
    lessons = list(readable)
    environment.use(environment.kernel_environment(BUILD))
    columns = {}
    for instructions in available():
        for threads in THREADS:
            title = f"{instructions}, {threads} thread{'s' if threads > 1 else ''}"
            print(f"{title} ... ", end="", flush=True)
            start = time.perf_counter()
            columns[title] = compare(instructions, threads, lessons)
            bad = [lesson for lesson, verdict in columns[title].items() if verdict != "pass"]
            minutes = (time.perf_counter() - start) / 60
            print(f"{minutes:.1f} minutes" + (f", FAILED: {', '.join(bad)}" if bad else ""))
    print(f"\n{format_matrix(columns)}\n\nWhat each run printed is in {BUILD / 'matrix'}")
    failed = any(verdict != "pass" for column in columns.values() for verdict in column.values())
    return int(failed or bool(unreadable))
