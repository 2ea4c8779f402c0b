# Every target sets up .venv first when it is missing, half-finished or out of date.
# Another Python: make run PYTHON=python3.12. Some notebooks only: make run NOTEBOOKS=02_transformer_theory
# The work is done by scripts/, so that Windows readers can type the same steps (see README.md).

PYTHON ?= python3
NOTEBOOKS ?=

ifeq ($(OS),Windows_NT)
COURSE := .venv/Scripts/python scripts/course.py
else
COURSE := .venv/bin/python scripts/course.py
endif

.PHONY: help setup run test lab regenerate clean

help:
	@echo "make run         run the course in order and write it as pages into build/"
	@echo "make test        lint, unit tests, then every notebook against its stored outputs"
	@echo "make lab         open the notebooks in JupyterLab"
	@echo "make regenerate  execute the notebooks in place"
	@echo "make clean       remove .venv and build"

setup:
	@command -v "$(PYTHON)" >/dev/null 2>&1 || { \
	  echo "No Python called '$(PYTHON)' was found. The course needs Python 3.11, 3.12 or 3.13; choose one: make run PYTHON=python3.12" >&2; \
	  exit 1; }
	@"$(PYTHON)" scripts/setup.py

run: setup
	@$(COURSE) run $(NOTEBOOKS)

test: setup
	@$(COURSE) test

lab: setup
	@$(COURSE) lab

regenerate: setup
	@$(COURSE) regenerate $(NOTEBOOKS)

clean:
	rm -rf .venv build
