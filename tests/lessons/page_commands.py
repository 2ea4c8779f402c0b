"""The commands that the course's pages name: finding them, and checking them without running them.

A page is a Markdown file or a lesson. What counts as a command on it: every line of a block of code
whose language is not in `NO_SHELL`; code in a line of text that `is_command`; and what a code cell
hands to IPython with ``!`` or ``%``, or to the system.
"""

import ast
import io
import json
import re
import shlex
import shutil
import sys
import tomllib
from collections.abc import Iterator
from contextlib import redirect_stderr
from pathlib import Path
from types import ModuleType
from unittest.mock import patch

import mistune
from jupyterlab.labapp import LabApp

from benchmarks import __main__ as bench
from course import __main__ as course
from course.places import ROOT, find_notebooks
from scripts import setup
from tests.children import finished

NO_SHELL = ("python", "text")  # languages of blocks that hold no commands

# Commands in plain prose, or in tags of HTML, would escape all other rules.
_PROSE = re.compile(
    r"\b(?:make (?:run|test|lab|clean)\b|pip3? install|python3? -m|git clone).*"
    r"|<(?:pre|code|kbd|samp)\b.*"
)
_IN_CODE = re.compile(
    r"^\s*(?:\w+ *= *)?([!%].*)"
    r"|\b((?:os\.(?:system|popen|exec|spawn)|subprocess\.|get_ipython\(\)).*)",
    re.MULTILINE,
)

# --------------------------------------------------------------------------------------- finding


def commands_found() -> dict[str, list[str]]:
    """Return every command on a page, with the pages that name it."""
    found: dict[str, list[str]] = {}
    for path in [*ROOT.glob("*.md"), *ROOT.glob("data/*.md"), *ROOT.glob("benchmarks/**/*.md")]:
        for command in commands_in_markdown(path.read_text(encoding="utf-8")):
            found.setdefault(command, []).append(path.relative_to(ROOT).as_posix())
    for path in find_notebooks():
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            commands_in = commands_in_code if cell["cell_type"] == "code" else commands_in_markdown
            for command in commands_in("".join(cell["source"])):
                found.setdefault(command, []).append(f"{path.name}, cell {cell['id']}")
    return found


def commands_in_markdown(text: str) -> Iterator[str]:
    """Yield the commands in a Markdown text."""
    for token in _tokens(mistune.create_markdown(renderer=None)(text)):
        kind, raw = token["type"], token.get("raw", "")
        if kind == "block_code" and token.get("attrs", {}).get("info") not in NO_SHELL:
            lines = raw.replace("\\\n", " ").splitlines()
            yield from (line.strip() for line in lines if line.strip())
        elif kind == "codespan" and is_command(raw):
            yield raw
        elif (kind == "text" or "html" in kind) and (command := _PROSE.search(raw)):
            yield command[0]


def _tokens(tokens: list[dict]) -> Iterator[dict]:
    for token in tokens:
        yield token
        yield from _tokens(token.get("children", []))


def is_command(code: str) -> bool:
    """Tell whether code in a line of text is a command, or a setting of one.

    Whatever has several words and is not Python is one, so that no list of programs is needed.
    """
    if re.match(r"[A-Z][A-Z_]+=\S|\S*[/\\](bin|Scripts)[/\\]\w|\.[/\\]\w", code):
        return True
    # An option or a path: an operator of Python would have a blank after it, too.
    if re.search(r"\w\s+(--?|\.|\.{0,2}/)\w", code):
        return True
    try:
        ast.parse(code)
    except SyntaxError:
        return " " in code
    return False


def commands_in_code(source: str) -> list[str]:
    """Return what a code cell hands to IPython or to the system."""
    return [magic or call for magic, call in _IN_CODE.findall(source)]


# -------------------------------------------------------------------------------------- checking

# What makes the words after it, up to the end, arguments of the Makefile or of a program of ours.
_CALLED = re.compile(r"(?:^|.* )(make|-m course|-m benchmarks)(?: (.*))?")
_OURS = r"(?:tests|course|scripts|notebooks|helpers|benchmarks)/\S+|(?!build/)\S+\.txt"


def check(command: str) -> None:
    """Raise ValueError if something that a command names is not there.

    That is a file, a version of Python, a setting, a target, or what a program of ours is given.
    """
    command = command.replace("\\", "/").replace("'", " ").strip()
    for word in shlex.split(command):
        _check_word(word)
    if called := _CALLED.fullmatch(command):
        program, arguments = called[1], shlex.split(called[2] or "")
        if program == "-m benchmarks":
            _let_it_read(bench, arguments)
        elif program == "-m course":
            _let_it_read(course, arguments)
            _check_names(*arguments)
        elif shutil.which("make"):
            _check_target(arguments)


def _check_word(word: str) -> None:
    """Check that a path is there, a version is one of the course's, and a setting is read."""
    if word.startswith("#"):
        raise ValueError("zsh and Windows take a remark after a command for arguments")
    path = re.fullmatch(rf"(?:\S+=)?({_OURS})", word)
    if path and not list(ROOT.glob(path[1])):
        raise ValueError(f"there is no {path[1]}")
    version = re.search(r"(?:python|^-)3\.(\d+)$", word)
    if version and not setup.OLDEST <= (3, int(version[1])) <= setup.NEWEST:
        raise ValueError(f"the course does not run on Python 3.{version[1]}")
    if setting := re.match(r"([A-Z][A-Z_]+)=", word):
        readers = ("Makefile", "scripts/setup.py", "benchmarks/__main__.py")
        texts = "".join((ROOT / name).read_text(encoding="utf-8") for name in readers)
        if f"$({setting[1]})" not in texts and f'"{setting[1]}"' not in texts:
            raise ValueError(f"nothing reads the setting {setting[1]}")


def _check_target(arguments: list[str]) -> None:
    """Check a target of the Makefile by the commands that it would call."""
    done = finished(["make", "--dry-run", "--silent", *arguments], cwd=ROOT)
    if done.returncode or not done.stdout:
        raise ValueError(done.stderr or f"make {arguments[0]} does nothing")
    for line in done.stdout.splitlines():
        if "python" in line.split(" ")[0]:
            check(line)


def _let_it_read(program: ModuleType, arguments: list[str]) -> None:
    """Let a program of the course judge its arguments, and end before it does anything."""
    said = io.StringIO()
    nothing_done = patch.object(program, "in_words", lambda work: 0)
    try:
        with nothing_done, patch.object(sys, "argv", ["", *arguments]), redirect_stderr(said):
            program.main()
    except SystemExit as end:
        if end.code:
            raise ValueError(said.getvalue()) from end


def _check_names(command: str, *names: str) -> None:
    """Check the options, modules or lessons that a command of the course is called with."""
    if command == "lab":
        known = {f"--{name}" for name in [*LabApp.flags, *LabApp.aliases]}
        names = tuple(name for name in names if name.startswith("--"))
    elif command == "mutants":
        settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
        known = {Path(path).stem for path in settings["tool"]["mutmut"]["only_mutate"]}
    else:
        known = {path.stem for path in find_notebooks()}
    if unknown := set(names) - known:
        raise ValueError(f"{command} knows no {', '.join(unknown)}")
