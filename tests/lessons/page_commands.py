"""The commands that the course's pages name: finding them, and checking them without running them.

A page is a Markdown file or a lesson. What counts as a command on it: every line of a block of code
whose language is not in `NO_SHELL`; code in a line of text that `is_command`; and what a code cell
hands to IPython with ``!`` or ``%``, or to the system.
"""

import ast
import json
import re
import shlex
import shutil
import sys
import sysconfig
import tomllib
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from itertools import groupby
from pathlib import Path

import mistune
from IPython.core.inputtransformer2 import TransformerManager
from jupyterlab.labapp import LabApp

from benchmarks.__main__ import ON_REQUEST, SUBJECTS
from course.places import ROOT, find_notebooks
from scripts import setup
from tests.children import finished

NO_SHELL = ("python", "text")  # languages of blocks that hold no commands

# Commands in plain prose, or in tags of HTML, would escape all other rules.
_PROSE = re.compile(r"\b(?:make (?:run|test|lab|clean)\b|pip3? install|python3? -m|git clone).*")
_HTML = re.compile(r"<(?:pre|code|kbd|samp)\b")
_STARTS = re.compile(r"get_ipython\(\)\.(\w+)$|os\.(?:system|popen|exec|spawn)|subprocess\.")
_MARKS = {"system": "!", "getoutput": "!", "run_line_magic": "%", "run_cell_magic": "%%"}

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
        elif "html" in kind and _HTML.search(raw):
            yield raw.strip()
        elif kind == "text" and (command := _PROSE.search(raw)):
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


def commands_in_code(source: str) -> Iterator[str]:
    """Yield what a code cell hands to IPython or to the system."""
    for node in ast.walk(ast.parse(TransformerManager().transform_cell(source))):
        if isinstance(node, ast.Call) and (match := _STARTS.match(ast.unparse(node.func))):
            mark = _MARKS.get(match[1])
            words = [argument.value for argument in node.args] if mark else [ast.unparse(node)]
            yield (mark or "") + " ".join(words)


# -------------------------------------------------------------------------------------- checking

# Not ours to look into, and git where it is not installed.
SYSTEM = ("apt-get", "certutil", "chown", "git", "ip", "sha256sum", "shasum")

_OURS = r"(?:tests|course|scripts|notebooks|helpers|benchmarks)/\S+|(?!build/)\S+\.txt"

# Lets a program of the course read its command line, and ends it before it does anything.
_ONLY_READ = """
import argparse, runpy, sys
from course import ending
ending.in_words = lambda work: 0
read = argparse.ArgumentParser.parse_args
argparse.ArgumentParser.parse_args = lambda parser: (read(parser), sys.exit())
sys.argv.pop(0)
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def check(command: str) -> None:
    """Raise ValueError if a command cannot work as it is written, as far as it can be seen."""
    words = shlex.shlex(command.replace("\\", "/"), posix=True, punctuation_chars=True)
    words.whitespace_split, words.commenters = True, ""
    for between, part in groupby(words, key=lambda word: set(word) <= set("();<>|&")):
        if not between:
            _check_part([*part])


def _check_part(words: list[str]) -> None:
    """Check settings, a program and its arguments."""
    while words and (setting := re.fullmatch(r"([A-Z][A-Z_]+)=.*", words[0])):
        _check_setting(setting[1])
        words = words[1:]
    for word in words:
        if word.startswith("#"):
            raise ValueError("zsh and Windows take a remark after a command for arguments")
        path = re.fullmatch(rf"(?:\S+=)?({_OURS})", word)
        if path and not list(ROOT.glob(path[1])):
            raise ValueError(f"there is no {path[1]}")
    program = re.sub(r"^\.venv/(bin|Scripts)/", "", words[0]) if words else ""
    match [program, *words[1:]]:
        case [""] | ["cd", "course"]:  # the folder that `git clone` makes
            pass
        case ["make", *arguments]:
            _check_make(arguments)
        case ["sudo", *rest] | ["unshare", "-rn", *rest]:
            _check_part(rest)
        case ["sh", "-c", line]:
            check(line)
        case ["source", file]:
            _check_part([file])
        case ["git", verb, *_] if shutil.which("git"):
            done = finished(["git", verb, "-h"])
            if done.returncode != 129:  # git's exit code after help
                raise ValueError(done.stderr)
        case [_, *arguments] if python := re.fullmatch(r"py|python(\d[\d.]*)?", program):
            _check_python(python[1] or "", arguments)
        case _:
            installed = [path.stem for path in Path(sysconfig.get_path("scripts")).iterdir()]
            known = [*SYSTEM, *installed]
            _refuse_unknown([program], known, "tests/lessons/page_commands.py knows no program")


def _refuse_unknown(names: Iterable[str], known: Iterable[str], words: str = "there is no") -> None:
    if unknown := {name for name in names if not name.startswith("-")} - set(known):
        raise ValueError(f"{words} {', '.join(unknown)}")


def _check_setting(name: str) -> None:
    """Check that the Makefile reads a setting, or a program in its environment."""
    readers = [ROOT / name for name in ("Makefile", "scripts/setup.py", "benchmarks/__main__.py")]
    texts = [path.read_text(encoding="utf-8") for path in readers]
    if not any(f"$({name})" in text or f'"{name}"' in text for text in texts):
        raise ValueError(f"nothing reads the setting {name}")


def _check_make(arguments: list[str]) -> None:
    """Check a target, its settings, and the commands that it would call."""
    for argument in arguments:
        if "=" in argument:
            _check_setting(argument.partition("=")[0])
    if shutil.which("make"):
        done = finished(["make", "--dry-run", "--silent", *arguments], cwd=ROOT)
        if done.returncode or not done.stdout:
            raise ValueError(done.stderr or f"make {arguments[0]} does nothing")
        for line in done.stdout.splitlines():
            if re.match(r'"?(\.venv/\w+/)?python', line):
                check(line.partition(" | ")[0])


def _check_python(version: str, arguments: list[str]) -> None:
    """Check the version of a Python, its program, and the program's arguments."""
    while arguments and (option := re.fullmatch(r"-(3\.\d+|[EIPs]+)", arguments[0])):
        version = option[1] if option[1].startswith("3") else version
        arguments = arguments[1:]
    if "." in version and not setup.OLDEST <= tuple(map(int, version.split("."))) <= setup.NEWEST:
        raise ValueError(f"the course does not run on Python {version}")
    lessons = [path.stem for path in find_notebooks()]
    match arguments:
        case [] | ["scripts/setup.py"]:
            pass
        case ["-m", "benchmarks", *rest]:
            _let_it_read("benchmarks/__main__.py", rest, [*SUBJECTS, *ON_REQUEST])
        case ["-m", "course", "lab", *options]:
            options = [each.partition("=")[0][2:] for each in options if each.startswith("--")]
            known = [*LabApp.flags, *LabApp.aliases]
            _refuse_unknown(options, known, "JupyterLab has no option")
        case ["-m", "course", "mutants", *rest]:
            settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
            modules = settings["tool"]["mutmut"]["only_mutate"]
            _refuse_unknown(rest, [Path(module).stem for module in modules])
        case ["-m", "course", *rest]:
            _let_it_read("course/__main__.py", rest, [*rest[:1], *lessons])
        case ["-m", module, *_]:
            for_checks = (ROOT / "requirements-checks.txt").read_text(encoding="utf-8")
            if find_spec(module) is None and module.replace("_", "-") not in for_checks:
                raise ValueError(f"no module {module} is installed")
        case _:
            words = "tests/lessons/page_commands.py does not know what Python does with"
            raise ValueError(f"{words} {arguments}")


def _let_it_read(program: str, arguments: list[str], names: list[str]) -> None:
    """Let a program of the course judge its arguments, of which some are names."""
    done = finished([sys.executable, "-c", _ONLY_READ, program, *arguments], cwd=ROOT)
    if done.returncode:
        raise ValueError(done.stderr)
    _refuse_unknown(arguments, names)
