# Every target sets up .venv first when it is missing, half-finished or out of date.
# QUICK=1 make bench takes minutes instead of an hour; SUBJECTS=gan takes one subject.
# Another Python: make run PYTHON=python3.12. Some notebooks only: make run NOTEBOOKS=02b_transformer_theory_model
# JupyterLab's own options: make lab OPTIONS="--no-browser --port 9999". PyTorch with the libraries for
# graphics cards: make run TORCH=cuda (before .venv is made).
# The work is done by course/, so that Windows readers can type the same steps (see README.md). With
# -Es, Python ignores its own environment variables (PYTHONPATH and the like) and the user's packages.

PYTHON ?= python3
NOTEBOOKS ?=
MODULES ?=
SUBJECTS ?=
OPTIONS ?=

ifeq ($(OS),Windows_NT)
VENV_PYTHON := .venv/Scripts/python -Es
else
VENV_PYTHON := .venv/bin/python -Es
endif
COURSE := $(VENV_PYTHON) -m course

.PHONY: help setup run test lab regenerate audit matrix browser mutants bench vulnerabilities clean

help:
	@echo "make run         run the course in order and write it as pages into build/"
	@echo "make test        lint, unit tests, then every notebook against its stored outputs"
	@echo "make lab         open the notebooks in JupyterLab"
	@echo "make regenerate  execute the notebooks in place"
	@echo "make audit       alter every stored output in turn: the comparison must see it"
	@echo "make matrix      compare the notebooks on every instruction set that this processor has"
	@echo "make browser     run the notebooks in JupyterLab in a browser, and move the sliders"
	@echo "make mutants     break the helpers in small ways: the unit tests must notice"
	@echo "make bench       measure the course side by side with what a reader would pick instead"
	@echo "make vulnerabilities  ask for known vulnerabilities in what is installed"
	@echo "make clean       remove .venv and build"

setup:
	@command -v "$(PYTHON)" >/dev/null 2>&1 || { \
	  echo "No Python called '$(PYTHON)' was found. The course needs Python 3.11, 3.12 or 3.13; choose one: make run PYTHON=python3.12" >&2; \
	  exit 1; }
	@"$(PYTHON)" -Es scripts/setup.py

run: setup
	@$(COURSE) run $(NOTEBOOKS)

test: setup
	@$(COURSE) test

lab: setup
	@$(COURSE) lab $(OPTIONS)

regenerate: setup
	@$(COURSE) regenerate $(NOTEBOOKS)

audit: setup
	@$(COURSE) audit $(NOTEBOOKS)

matrix: setup
	@$(COURSE) matrix $(NOTEBOOKS)

browser: setup
	@$(COURSE) browser $(NOTEBOOKS)

mutants: setup
	@$(COURSE) mutants $(MODULES)

bench: setup
	@$(VENV_PYTHON) -m benchmarks $(SUBJECTS)

vulnerabilities: setup
	@mkdir -p build
	@$(VENV_PYTHON) -m pip freeze --exclude-editable | sed 's/+cpu//' > build/installed.txt
	@$(VENV_PYTHON) -m pip_audit --strict --no-deps --disable-pip -r build/installed.txt

clean:
	rm -rf .venv build
