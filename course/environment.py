"""What kernels, tests and JupyterLab are started with: an environment built from what they need.

What the reader has set for Python, matplotlib, IPython, Jupyter or pytest, in variables or in
files, never reaches an output that is compared or published: of the reader's environment only
`KEPT` is handed on, and what tools look for in a home directory they find in the build folder.
JupyterLab is the reader's own place: there only the variables of Python itself stay out.
"""

import errno
import os
import re
from fnmatch import fnmatchcase
from pathlib import Path

# Patterns of the names, in upper case, that are handed on.
KEPT = """
PATH LANG LANGUAGE LC_* TZ TERM SHELL USER LOGNAME USERNAME TMPDIR TEMP TMP CI
LD_LIBRARY_PATH DYLD_*
OS SYSTEMROOT SYSTEMDRIVE WINDIR COMSPEC PATHEXT PROGRAMDATA PROGRAMFILES* COMMONPROGRAMFILES*
USERPROFILE APPDATA LOCALAPPDATA NUMBER_OF_PROCESSORS PROCESSOR_*
SSL_CERT_FILE SSL_CERT_DIR REQUESTS_CA_BUNDLE CURL_CA_BUNDLE
HTTP_PROXY HTTPS_PROXY ALL_PROXY NO_PROXY
OMP_NUM_THREADS KMP_DUPLICATE_LIB_OK
ATEN_CPU_CAPABILITY MKL_ENABLE_INSTRUCTIONS MKL_CBWR MKL_DEBUG_CPU_TYPE ONEDNN_MAX_CPU_ISA
OPENBLAS_CORETYPE NPY_DISABLE_CPU_FEATURES
COURSE_* TQDM_DISABLE PYTEST_XDIST_* PYTEST_VERSION PYTEST_CURRENT_TEST
"""

# What JupyterLab gets besides: the reader's desktop, and settings of the tools used in it.
KEPT_FOR_LAB = """
HOME DISPLAY WAYLAND_DISPLAY XAUTHORITY XDG_* DBUS_* DESKTOP_SESSION BROWSER WSL* SSH_* GIT_*
EDITOR VISUAL JUPYTER* IPYTHON* MPL* MATPLOTLIBRC
"""

# Folders below the build folder for what tools keep in a home directory.
HOMES = {
    "HOME": "home",
    "IPYTHONDIR": "home/ipython",
    "JUPYTER_CONFIG_DIR": "home/jupyter/config",
    "JUPYTER_DATA_DIR": "home/jupyter/data",
    "JUPYTER_RUNTIME_DIR": "home/jupyter/runtime",
    "MPLCONFIGDIR": "home/matplotlib",
}

# Of the kernels: one thread, a fixed order of sets, and of all kernels called python3 our own.
KERNEL = {"OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "0", "JUPYTER_PREFER_ENV_PATH": "1"}
# Of notebooks that are executed unattended: no bars, and pictures in the place of sliders.
UNATTENDED = {"TQDM_DISABLE": "1", "COURSE_STATIC": "1"}


def _kept(patterns: str) -> dict[str, str]:
    return {
        name: value
        for name, value in os.environ.items()
        if any(fnmatchcase(name.upper(), pattern) for pattern in patterns.split())
    }


def homes(build: Path) -> dict[str, str]:
    """Return the variables that keep tools out of the reader's home, and make their folders.

    Raises:
        OSError: a folder cannot be made or written.
    """
    folders = {name: build / folder for name, folder in HOMES.items()}
    for folder in folders.values():
        folder.mkdir(parents=True, exist_ok=True)
    for place, _, _ in os.walk(folders["HOME"]):
        if not os.access(place, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), place)
    return {name: str(folder) for name, folder in folders.items()}


def kernel_environment(build: Path) -> dict[str, str]:
    """Return what kernels and tests are started with."""
    kept = _kept(KEPT)
    if not re.fullmatch(r"[1-9]\d*", kept.get("OMP_NUM_THREADS", "")):
        kept.pop("OMP_NUM_THREADS", None)  # libraries would complain, each in its own words
    return {**KERNEL, **kept, **homes(build)}


def notebook_environment(build: Path) -> dict[str, str]:
    """Return what notebooks are executed with when nobody sits before them."""
    return {**kernel_environment(build), **UNATTENDED}


def lab_environment(build: Path) -> dict[str, str]:
    """Return what JupyterLab is started with; a reader without a home is lent one."""
    kept = {**KERNEL, **_kept(KEPT + KEPT_FOR_LAB)}
    kept.pop("JUPYTER_PATH", None)  # its kernels would go before those of the environment
    home = kept.get("HOME") or kept.get("USERPROFILE")
    return kept if home and os.access(home, os.W_OK) else {**kept, **homes(build)}


def use(environment: dict[str, str]) -> None:
    """Make an environment that of this process, and of all that it starts."""
    os.environ.clear()
    os.environ.update(environment)
