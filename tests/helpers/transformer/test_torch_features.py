"""torch.compile, export, vmap and their like, and the time of a call: see ``unhooked.py``."""

import subprocess
import sys
from pathlib import Path


def test_what_torch_does_keeps_working():
    command = [sys.executable, "-m", "pytest", "-q", "-o", "addopts=", "-p", "no:cacheprovider"]
    file = Path(__file__).with_name("unhooked.py")
    done = subprocess.run([*command, file], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
