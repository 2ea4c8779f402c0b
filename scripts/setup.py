# An older Python must be able to read this file, to be told that it is too old.
"""Set up ``.venv`` with what requirements.txt lists; do nothing when that is done already.

Run by the Makefile, before there is an environment: standard library only. The last thing written
is a stamp that names what was installed and where, so a half-finished installation, a changed
requirements.txt and a folder that was moved are all noticed.
"""

import hashlib
import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ENVIRONMENT = os.path.join(ROOT, ".venv")
STAMP = os.path.join(ENVIRONMENT, "course-installed.txt")
OLDEST, NEWEST = (3, 11), (3, 13)
CHOOSE = "choose one: make run PYTHON=python3.12"


def environment_python():
    """Return the path of the environment's own Python."""
    folder = ("Scripts", "python.exe") if os.name == "nt" else ("bin", "python")
    return os.path.join(ENVIRONMENT, *folder)


def wanted_stamp():
    """Return what the stamp says when the environment is complete and up to date."""
    digest = hashlib.sha256()
    for name in ("requirements.txt", "constraints.txt", "pyproject.toml"):
        with open(os.path.join(ROOT, name), "rb") as file:
            digest.update(file.read() + b"\0")
    return "{}\n{}\n".format(digest.hexdigest(), ROOT)


def found_stamp():
    """Return the stamp of an installation that was finished, or an empty text."""
    try:
        with open(STAMP, "rb") as file:
            return file.read().decode("utf-8")
    except (OSError, IOError):
        return ""


def environment_runs():
    """Tell whether the environment's Python starts (the one below it may have been removed)."""
    try:
        with open(os.devnull, "w") as nothing:
            command = [environment_python(), "-c", ""]
            return subprocess.call(command, stdout=nothing, stderr=nothing) == 0
    except (OSError, IOError):
        return False


def refusal():
    """Return the line that says why this Python cannot be used, or None."""
    if not OLDEST <= sys.version_info[:2] <= NEWEST:
        return "The course needs Python 3.11, 3.12 or 3.13, and this is {}.{}.{} ({}); {}".format(
            sys.version_info[0], sys.version_info[1], sys.version_info[2], sys.executable, CHOOSE
        )
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError:
        return (
            "This Python ({}) cannot make environments: its venv or ensurepip is missing. On Debian"
            " and Ubuntu: sudo apt install python{}.{}-venv. Or {}".format(
                sys.executable, sys.version_info[0], sys.version_info[1], CHOOSE
            )
        )
    return None


def install(keep):
    """Create the environment (afresh unless ``keep``) and install into it; return an exit code."""
    if os.path.exists(STAMP):
        os.remove(STAMP)
    print("Setting up .venv: downloads and installs the packages; takes a minute or more ...")
    sys.stdout.flush()
    if not keep:
        code = subprocess.call([sys.executable, "-m", "venv", "--clear", ENVIRONMENT])
        if code:
            return code
    # PIP_USER and PYTHONHOME, where a reader has set them, would lead pip out of the environment.
    env = {k: v for k, v in os.environ.items() if k not in ("PIP_USER", "PYTHONHOME")}
    pip = [environment_python(), "-m", "pip", "install", "--disable-pip-version-check", "--quiet"]
    code = subprocess.call(pip + ["-r", os.path.join(ROOT, "requirements.txt")], cwd=ROOT, env=env)
    if code:
        return code
    with open(STAMP + ".part", "wb") as file:
        file.write(wanted_stamp().encode("utf-8"))
    os.replace(STAMP + ".part", STAMP)
    print("Done: .venv is ready.")
    return 0


def main():
    runs = environment_runs()
    if runs and found_stamp() == wanted_stamp():
        return 0
    problem = refusal()
    if problem:
        sys.stderr.write(problem + "\n")
        return 1
    # A finished installation in this very folder is brought up to date; anything else starts anew,
    # because pip takes a package whose copying was cut short for an installed one.
    keep = runs and found_stamp().splitlines()[1:] == [ROOT]
    code = install(keep)
    if code:
        sys.stderr.write("Setting up .venv did not finish; the next call starts it again.\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
