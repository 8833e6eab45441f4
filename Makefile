# Every target is one line; without Make, type that line with the folder of your system
# (.venv/bin on Linux and macOS, .venv\Scripts on Windows) in place of $(BIN).
PYTHON ?= python3
BIN := $(if $(filter Windows_NT,$(OS)),.venv/Scripts,.venv/bin)
.DEFAULT_GOAL := help
.PHONY: help setup course lab serve site test build bench doctor clean

help:  ## this list
	@sed -n 's/^\([a-z]*\):.*## /  make \1|/p' Makefile | awk -F'|' '{ printf "%-14s %s\n", $$1, $$2 }'

setup:  ## the environment in .venv, exactly as locked; at once when nothing changed
	@$(PYTHON) -m course_lib.install

course: setup  ## the whole course once: data, notebooks, model, a sample class graded, one summary
	@$(BIN)/course all

lab: setup  ## JupyterLab on the modules, at the start page
	@$(BIN)/course lab

serve: setup  ## the service on this machine: the rider's page and the API
	@$(BIN)/course serve

site: setup  ## the workbook as pages to read, in build/site: offline, with search
	@$(BIN)/course site

test: setup  ## every check: package, notebooks, graded exercises, freshness, style
	@$(BIN)/course test

build: setup  ## the notebooks in solutions/ and modules/ from their text; only what changed
	@$(BIN)/course build

bench: setup  ## measured speed, both sides in one run
	@$(BIN)/python -m tests.benchmarks

doctor: setup  ## what is there, what is missing, what to type
	@$(BIN)/course doctor

clean:  ## remove build/ and data/ (grades in gradebook/ stay)
	@$(PYTHON) -c "import shutil; [shutil.rmtree(folder, ignore_errors=True) for folder in ('build', 'data')]"
