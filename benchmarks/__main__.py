"""The command behind ``make bench``.

    python -m benchmarks                    measure everything and write build/bench/
    python -m benchmarks attention text     these only; the page holds the others' last figures
    python -m benchmarks official           the classifiers on the official halves (downloads them)
    python -m benchmarks --publish          make build/bench/ the page of benchmarks/results/

``QUICK=1`` in the environment measures the same in a few minutes, with sizes and seeds that are too
small to conclude from.
"""

import argparse
import importlib
import json
import os
import shutil
import sys
import time
from pathlib import Path
from types import ModuleType

from benchmarks.report import machine
from course import places
from course.ending import in_words
from course.environment import kernel_environment, use

# Each is measured by a module, and kept under its name.
SUBJECTS = {
    "sentiment": "benchmarks.sentiment.contest",
    "ablation": "benchmarks.sentiment.ablation",
    "attention": "benchmarks.attention.growth",
    "text": "benchmarks.text",
    "gan": "benchmarks.gan.duel",
    "course": "benchmarks.course",
}
ON_REQUEST = {"official": "benchmarks.sentiment.official"}  # needs the network
ALL = SUBJECTS | ON_REQUEST
BUILD = places.BUILD / "bench"
PUBLISHED = places.ROOT / "benchmarks" / "results"


def measure(subjects: list[str], *, quick: bool) -> None:
    """Measure and keep the raw figures of each subject in a JSON file, then write the page."""
    BUILD.mkdir(parents=True, exist_ok=True)
    for name in subjects:
        print(f"{name} ... ", end="", flush=True)
        start = time.perf_counter()
        results = _module(name).measure(quick)
        minutes = (time.perf_counter() - start) / 60
        kept = {"quick": quick, "minutes": minutes, "machine": machine(), "results": results}
        text = json.dumps(kept, indent=1)
        (BUILD / f"{name}.json").write_text(text + "\n", encoding="utf-8")
        print(f"{minutes:.1f} minutes", flush=True)
    write_page(BUILD)
    print(f"See {(BUILD / 'README.md').relative_to(places.ROOT)}")


def write_page(folder: Path) -> None:
    """Write ``README.md`` and its pictures from the JSON files in ``folder``."""
    page = ["# Measured side by side", "Written by `make bench` from the JSON files beside it."]
    for name in ALL:
        path = folder / f"{name}.json"
        if not path.exists():
            continue
        kept = json.loads(path.read_text("utf-8"))
        module = _module(name)
        page.append(module.tell(kept["results"], folder).strip())
        page.append(_conditions(kept))
    (folder / "README.md").write_text("\n\n".join(page) + "\n", encoding="utf-8")


def _module(name: str) -> ModuleType:
    return importlib.import_module(ALL[name])


def _conditions(kept: dict) -> str:
    facts = ", ".join(f"{what} {value}" for what, value in kept["machine"].items())
    warning = " **Quick figures, nothing follows from them.**" if kept["quick"] else ""
    return f"*{kept['minutes']:.1f} minutes; {facts}.*{warning}"


def publish() -> None:
    """Copy full results into the repository and write their page there."""
    paths = sorted(BUILD.glob("*.json"))
    for path in paths:
        if json.loads(path.read_text("utf-8"))["quick"]:
            sys.exit(f"{path.name} holds quick figures: `make bench SUBJECTS={path.stem}` first")
    PUBLISHED.mkdir(exist_ok=True)
    for path in paths:
        shutil.copy(path, PUBLISHED)
    write_page(PUBLISHED)


def main() -> None:
    """Read the command line and do what it asks for, whatever the reader has set elsewhere."""
    parser = argparse.ArgumentParser(prog="benchmarks", description="Measure the course.")
    parser.add_argument(
        "subjects",
        nargs="*",
        help=f"some of {', '.join(ALL)}; all but {', '.join(ON_REQUEST)} if none",
    )
    parser.add_argument("--publish", action="store_true", help="keep the results as the page")
    arguments = parser.parse_args()
    if unknown := set(arguments.subjects) - set(ALL):
        parser.error(f"subjects must be some of {', '.join(ALL)}, got {', '.join(unknown)}")

    def work() -> int:
        quick = os.environ.get("QUICK") == "1"
        use(kernel_environment(places.BUILD))
        if arguments.publish:
            publish()
        else:
            measure(arguments.subjects or list(SUBJECTS), quick=quick)
        return 0

    sys.exit(in_words(work))


if __name__ == "__main__":
    main()
