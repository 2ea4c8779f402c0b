"""The commands of the course, as the Makefile calls them.

Windows readers type the same: ``.venv\\Scripts\\python -Es -m course run``, where ``-Es`` keeps
Python's own environment variables and the user's packages out.
"""

import argparse
import sys

from course import commands, matrix, mutants
from course.ending import in_words

ON_NOTEBOOKS = {
    "run": (commands.run_course, "execute the notebooks into pages under build/"),
    "regenerate": (commands.regenerate, "execute the notebooks in place"),
    "audit": (commands.audit, "alter every stored output in turn: the comparison must see it"),
    "matrix": (matrix.run_matrix, "compare the notebooks on each instruction set"),
    "browser": (commands.browse, "run the notebooks in JupyterLab, in a browser"),
}


def main(argv: list[str] | None = None) -> int:
    """Run one command and return its exit code."""
    parser = argparse.ArgumentParser(prog="course", description="The commands of the course.")
    called = parser.add_subparsers(dest="command", required=True)
    for name, (work, words) in ON_NOTEBOOKS.items():
        command = called.add_parser(name, help=words)
        command.add_argument("names", nargs="*", help="names of notebooks; all of them if none")
        command.set_defaults(work=work)
    command = called.add_parser("mutants", help="break the helpers: the unit tests must notice")
    command.add_argument("names", nargs="*", help="names of modules; all of them if none")
    command.set_defaults(work=mutants.test_mutants)
    command = called.add_parser("test", help="lint, unit tests, then all stored outputs")
    command.set_defaults(work=lambda names: commands.test_course(), names=[])
    command = called.add_parser("lab", help="open the notebooks in JupyterLab")
    command.set_defaults(work=commands.open_lab)
    arguments, options = parser.parse_known_args(argv)
    if arguments.command == "lab":
        arguments.names = options
    elif options:
        parser.error(f"unrecognized arguments: {' '.join(options)}")
    return in_words(lambda: arguments.work(arguments.names))


if __name__ == "__main__":
    sys.exit(main())
