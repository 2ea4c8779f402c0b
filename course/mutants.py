"""Mutation tests: break the helpers one small piece at a time and see whether a test notices.

    make mutants                       every module of [tool.mutmut]
    make mutants MODULES="gan text"    these modules only

mutmut (see requirements-checks.txt) works on copies in build/mutants/, and nothing else is touched.
One line a module says how many mutants there were, how many of them were killed (by a test that
failed, or by running for ever), how many survived, and the share that was killed; below 90% the
exit code is 1. ``../../.venv/bin/mutmut results`` in that folder names the survivors, and ``show
NAME`` in place of ``results`` shows the change.

mutmut leaves alone what stands outside functions, decorated functions, and the text of f-strings.
It needs ``os.fork``: on Windows, run it inside WSL.
"""

import json
import shutil
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path

from course import environment
from course.ending import CourseError
from course.places import BUILD, ROOT

FOLDER = BUILD / "mutants"
COPIED = ("helpers", "course", "tests", "data/README.md", "pyproject.toml", "requirements.txt")
GOAL = 0.9  # of the mutants of each module
WORKER_FAILED = 255


def test_mutants(modules: list[str]) -> int:
    """Test the mutants of ``modules``, or of all, and return the exit code."""
    known = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["mutmut"]
    files = {Path(path).stem: Path(path) for path in known["only_mutate"]}
    if not set(modules) <= set(files):
        raise CourseError(f"modules must be some of {', '.join(files)}, got {' '.join(modules)}")
    chosen = [files[name] for name in modules or files]
    _copy()
    command = [str(Path(sys.executable).parent / "mutmut"), "run", "--max-children", "1"]
    # One thread: a forked process cannot use the threads that torch started before the fork.
    environment.use({**environment.kernel_environment(FOLDER), "OMP_NUM_THREADS": "1"})
    patterns = [".".join(path.with_suffix("").parts) + ".*" for path in chosen]
    with (FOLDER / "log.txt").open("w") as log:
        done = subprocess.run([*command, *patterns], cwd=FOLDER, stdout=log, stderr=log)
    if done.returncode:
        print(f"mutmut failed: see {log.name}; do the selected tests pass?", file=sys.stderr)
        return done.returncode
    return 0 if min(map(_report, chosen)) >= GOAL else 1


def _copy() -> None:
    shutil.rmtree(FOLDER, ignore_errors=True)
    for name in COPIED:
        source, target = ROOT / name, FOLDER / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, target)


def _report(module: Path) -> float:
    """Print the line of a module and return the share of its mutants that was killed."""
    from mutmut.stats import status_by_exit_code

    results = json.loads((FOLDER / f"mutants/{module}.meta").read_text("utf-8"))
    codes = results["exit_code_by_key"].values()
    if WORKER_FAILED in codes:  # mutmut would call it a timeout
        raise CourseError(f"{module}: a worker of mutmut failed by itself; see {FOLDER}/log.txt")
    counts = Counter(status_by_exit_code[code] for code in codes)
    total, killed = counts.total(), counts["killed"] + counts["timeout"]
    share = killed / total
    counted = f"{total:5} mutants {killed:5} killed {total - killed:4} survived"
    print(f"{module.stem:12} {counted} {share:6.1%}")
    return share
