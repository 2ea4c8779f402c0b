"""A JupyterLab of the tests' own in ``build/browser``, and Chromium that reaches nothing else."""

import json
import os
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import nbformat
import pytest

from course import environment
from course.commands import is_root
from course.notebook import clear, read_notebook
from course.places import BUILD, find_notebooks

WORK = BUILD / "browser"
PATIENCE = 60  # seconds for what should take one or two, on a busy machine
FOLDERS = {
    "JUPYTER_CONFIG_DIR": "config",
    "JUPYTER_DATA_DIR": "data",
    "JUPYTER_RUNTIME_DIR": "runtime",
    "JUPYTERLAB_SETTINGS_DIR": "settings",
    "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
    "IPYTHONDIR": "ipython",
}
# Every cell is in the page, also those far below; nothing is saved unasked; no news are fetched.
SETTINGS = {
    "notebook-extension/tracker": {"windowingMode": "none"},
    "docmanager-extension/plugin": {"autosave": False},
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
}


class Lab(NamedTuple):
    """A running JupyterLab: its address, the token it asks for, its folder of lessons."""

    url: str
    token: str
    lessons: Path


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict:
    """Use the Chromium of the machine, which finds the address of no other one."""
    wanted = os.environ.get("COURSE_CHROMIUM")
    names = [wanted] if wanted else ["chromium", "chromium-browser", "google-chrome"]
    path = next(filter(None, map(shutil.which, names)), None)
    if path is None:
        pytest.exit(
            f"no browser called {' or '.join(names)}: install Chromium (Debian: apt-get install "
            "chromium), or put the path of Chromium or Chrome into COURSE_CHROMIUM",
            returncode=1,
        )
    flags = ["--disable-gpu", "--disable-quic"]
    flags.append("--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1")
    return {"executable_path": path, "chromium_sandbox": not is_root(), "args": flags}


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """A JupyterLab on copies of the lessons, without outputs that would pass for those of a run."""
    shutil.rmtree(WORK, ignore_errors=True)
    for folder in ("lessons", *FOLDERS.values()):
        (WORK / folder).mkdir(parents=True)
    for path in find_notebooks():
        notebook = read_notebook(path)
        clear(notebook)
        nbformat.write(notebook, WORK / "lessons" / path.name)
    for name, values in SETTINGS.items():
        file = WORK / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(values), encoding="utf-8")

    token = secrets.token_hex()
    given = environment.kernel_environment(BUILD)  # bars and sliders as for a reader
    given |= {name: str(WORK / folder) for name, folder in FOLDERS.items()}
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--ServerApp.port=0"]
    command += ["--ServerApp.ip=127.0.0.1", "--LabApp.extension_manager=readonly"]
    command += [f"--ServerApp.root_dir={WORK / 'lessons'}", *["--allow-root"] * is_root()]
    with (WORK / "jupyterlab.log").open("wb") as log:
        process = subprocess.Popen(
            command, env=given | {"JUPYTER_TOKEN": token}, stdout=log, stderr=log
        )
        try:
            yield Lab(f"http://127.0.0.1:{_port_of(process)}", token, WORK / "lessons")
        finally:
            process.terminate()
            process.wait(PATIENCE)


def _port_of(process: subprocess.Popen) -> int:
    """Return the port of a JupyterLab that is starting, once it has noted it."""
    end = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < end:
        time.sleep(0.2)
        for file in (WORK / "runtime").glob("jpserver-*.json"):
            with suppress(ValueError):  # not all of it is written yet
                return json.loads(file.read_text(encoding="utf-8"))["port"]
    pytest.exit(f"JupyterLab did not start; see {WORK / 'jupyterlab.log'}", returncode=1)
