# Everything runs in .venv, which the first target makes; only Python 3.11+ and make are needed.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed

# The developers' copy of the real images, where it exists; users' own data home otherwise.
ifndef NOISYLABEL_DATA
  ifneq ($(wildcard ../shared/data),)
    export NOISYLABEL_DATA := $(abspath ../shared/data)
  endif
endif

.PHONY: demo test check slow oldest cases docs bench speed zoo clean

demo: $(STAMP)  ## the main job on scikit-learn's digits: table, CSV and plot
	$(BIN)/noisylabel demo

test: check  ## the whole test suite, without what is marked slow
	$(BIN)/python -m pytest -n 2 --dist worksteal tests

check: $(STAMP)  ## style, types, layers and doctests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/test_layers.py noisylabel sweeps

slow: $(STAMP)  ## the long tests
	$(BIN)/python -m pytest -m slow -s

OLDEST := .venv-oldest
oldest:  ## the quick tests with the oldest versions that pyproject.toml allows; installs 7 GB into a folder of its own
	$(PYTHON) -m venv $(OLDEST)
	mkdir -p build
	$(OLDEST)/bin/python tests/oldest.py > build/oldest.txt
	$(OLDEST)/bin/python -m pip install --quiet --constraint build/oldest.txt --editable '.[sweeps,workers,bench,vision,timm]' \
	  pytest pytest-xdist hypothesis mlflow-skinny datasets
	$(OLDEST)/bin/python -m pytest -n 2 --dist worksteal tests

CASES ?= ../shared/cases
cases: $(STAMP)  ## scripts of public bug reports, from the folder CASES; 1 minute
	$(BIN)/python tests/run_cases.py $(CASES)

docs: $(STAMP)  ## the guide, as pages in site/
	$(BIN)/mkdocs build --strict

bench: $(STAMP)  ## digits and Fashion-MNIST, all methods and noises, and the page; goes on where it stopped; 1 hour on 2 cores
	$(BIN)/python -m benchmarks run --profile digits --jobs 2
	$(BIN)/python -m benchmarks run --profile fashion --jobs 2
	$(BIN)/python -m benchmarks report --html build/report.html

speed: $(STAMP)  ## seconds against bare torch and stock skorch, as ratios
	$(BIN)/python -m benchmarks speed

ZOO     := noisylabel/curricula/learned/zoo
RECORDS := build/records

zoo: $(STAMP)  ## the MentorNets that come with the package; 20 minutes on 2 cores, needs CIFAR-10; goes on from build/
	set -e; for name in baseline self_paced spcl_linear hard_example_mining focal_loss mentornet_pd; do \
	  $(BIN)/noisylabel curriculum learn --vstar $$name --out $(ZOO)/$$name.safetensors; done
	set -e; for rate in 0.2 0.4 0.6; do test -f $(RECORDS)/symmetric-$$rate.csv || \
	  $(BIN)/noisylabel curriculum records --dataset cifar10 --noise symmetric --rate $$rate --samples 10000 \
	    --trusted 5000 --curriculum self_paced --percentile auto --student cnn --epochs 30 --optimizer sgd --lr 0.1 \
	    --weight-decay 0.001 --augment shift_flip --precision bf16 --out $(RECORDS)/symmetric-$$rate.csv; done
	$(BIN)/noisylabel curriculum learn --percentile 0.7 \
	  --records $(RECORDS)/symmetric-0.2.csv $(RECORDS)/symmetric-0.4.csv $(RECORDS)/symmetric-0.6.csv \
	  --out $(ZOO)/mentornet_dd.safetensors
	$(BIN)/noisylabel curriculum list

$(STAMP): pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	touch $(STAMP)

clean:  ## remove what make made
	rm -rf $(VENV) $(OLDEST) site build
