"""What is tested without the hook that types the helpers in tests: see each ``unhooked.py``."""

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize(
    "file", sorted(Path(__file__).parent.rglob("unhooked.py")), ids=lambda path: path.parent.name
)
def test_in_a_process_of_its_own(file):
    command = [sys.executable, "-m", "pytest", "-q", "-o", "addopts=", "-p", "no:cacheprovider"]
    done = subprocess.run([*command, file], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
