"""Shared by all tests: no network, no settings of the reader, the same drawn inputs in each run."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import Phase, settings

from course import environment
from course.checking import no_network
from course.places import BUILD

pytest_plugins = ["pytester"]

no_network.forbid_network()
os.environ.pop("MATPLOTLIBRC", None)
os.environ.update(environment.homes(BUILD))  # before matplotlib looks for its settings


@pytest.hookimpl(tryfirst=True)  # before pytest-mpl reads its options
def pytest_configure(config: pytest.Config) -> None:
    """Compare figures in every run, and keep what differs in the build folder of the course."""
    config.option.mpl = True
    config.option.mpl_results_path = str(BUILD / "figures")


@pytest.fixture(autouse=True)
def no_connection_that_nobody_asked_for() -> Iterator[None]:
    """Fail a test in which this process tried to reach another machine, swallowed or not."""
    no_network.attempts.clear()
    yield
    assert no_network.attempts == []


@pytest.fixture
def float64() -> Iterator[None]:
    """Make torch's default dtype float64, from the same seed in each test."""
    import torch  # here, for most tests of the commands do without

    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    torch.manual_seed(0)
    yield
    torch.set_default_dtype(before)


# A busy machine is no error, and the same inputs are drawn in every run.
settings.register_profile("course", deadline=None, derandomize=True, database=None)
settings.load_profile("course")
settings.register_profile("mutants", phases=[Phase.explicit, Phase.generate])  # shrinks nothing
