"""Shared by all tests. The plugin for notebooks is loaded by pyproject.toml (``-p nbval_rtol``)."""

from hypothesis import settings

pytest_plugins = ["pytester"]

# A busy machine is no error, and the same inputs are drawn in every run.
settings.register_profile("course", deadline=None, derandomize=True, database=None)
settings.load_profile("course")
