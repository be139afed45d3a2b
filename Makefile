# Every target does the set-up that it needs and no more. PYTHON=... chooses another Python than 3.10.
SETUP := sh scripts/setup.sh
BIN := .venv/bin

N ?= 1000
SEED ?= 0
NETWORKS ?= 300
FRAMES ?= 20000
HOURS ?= 8

.PHONY: help setup demo test test-slow mutants fuzz prove clocks clocks-unrolled bench registers exporters packages sbom fuzz-inputs \
	load faults verify-report nightly boards docs tables lint format clean distclean

help:
	@echo 'make demo       quantize, generate and simulate a trained network, and print the comparison;'
	@echo '                installs only what that needs'
	@echo 'make setup      everything that the other targets need, nnabla on Python 3.10 included'
	@echo 'make test       the test suite: Python 3.10 with nnabla, then the newest Python without;'
	@echo '                at most 25 minutes of two processors, at most 20 s of one for a test'
	@echo 'make test-slow  the tests that take longer, up to 3 hours; what passed at this commit is not run again'
	@echo 'make mutants    faults planted in hardware and benches, each of which has to be found'
	@echo 'make fuzz N=1000 that many random networks, Verilog against the reference; SEED=S chooses others,'
	@echo '                DASK=ADDRESS spreads them over a Dask cluster'
	@echo 'make prove      cells against statements apart from them, for the parameters of 300 networks'
	@echo 'make clocks     place and route of every example at 16 and 64 multipliers by three seeds, up to an hour for each;'
	@echo '                what is stored in benchmarks/clocks.json and did not change is not run again'
	@echo 'make clocks-unrolled the same of four unrolled layers: their clocks'
	@echo 'make bench      images per second of the integer reference and the float executor'
	@echo 'make registers  print the registers of the wrapper anew from their SystemRDL'
	@echo 'make exporters export small networks from PyTorch, Keras and others anew: installs 7.5 GB'
	@echo 'make packages   packages for FuseSoC, edalize, LiteX and IP-XACT in the hands of these tools, which it installs'
	@echo 'make sbom       what fpgaq depends on, with licences, as CycloneDX (build/sbom.json)'
	@echo 'make fuzz-inputs N=1000 that many damaged files of each kind, read or refused in one line'
	@echo 'make load FRAMES=20000 that many frames through compiled networks, with bursts, resets and damage'
	@echo 'make faults     every bad input of the list of faults in a process of its own, measured'
	@echo 'make nightly HOURS=8 all of these until the time is over; the report is in build/nightly'
	@echo 'make verify-report docs/verification.md from the results that are stored'
	@echo 'make boards     bitstreams of two examples for three boards, with tools from pip: about an hour'
	@echo 'make docs       the documentation as a site in build/site, every warning an error, in an environment of its own'
	@echo 'make tables     print every table of results in docs anew, from the stored results of runs'
	@echo 'make lint       ruff, mypy and the layers of the rooms; make format  rewrite the sources as ruff wants them'
	@echo 'make clean      remove what was built (make distclean: the environments too)'

setup:
	@$(SETUP) venv .venv

demo:
	@$(SETUP) venv .venv core
	@$(BIN)/fpgaq demo --output build/demo

test: setup
	@$(BIN)/python scripts/run_tests.py

test-slow: setup
	@$(BIN)/python scripts/run_tests.py --slow

mutants: setup
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist worksteal -m mutants --slowest 20 --results build/mutants.json

clocks: setup
	@PYTHONPATH=. $(BIN)/python benchmarks/clocks.py

clocks-unrolled: setup
	@PYTHONPATH=. $(BIN)/python benchmarks/unrolled.py --seeds 3 --folder build/clocks \
		"layer 32-5, 8 bits, clock" "layer 32-5, 6 bits, clock" "layer 32-5, 8 bits, words" "layer 32-5, 6 bits, words"

fuzz: setup
	@$(BIN)/python -m hdl_tests.fuzz $(N) --seed $(SEED) -o build/fuzz.json $(if $(DASK),--dask $(DASK))

prove: setup
	@OMP_NUM_THREADS=1 $(BIN)/python -m hdl_tests.proofs $(NETWORKS) -o build/proofs.json

bench: setup
	@$(BIN)/python benchmarks/reference.py

registers: setup
	@PYTHONPATH=. $(BIN)/python scripts/make_registers.py

exporters: setup
	@sh scripts/make_exporters.sh

packages: setup
	@test -x .venv-packages/bin/fusesoc || { python3 -m venv .venv-packages \
		&& .venv-packages/bin/pip install --quiet -r hdl_tests/packages/requirements.txt; }
	@$(BIN)/python -m pytest hdl_tests/packages

sbom: setup
	@$(BIN)/python scripts/sbom.py

fuzz-inputs: setup
	@$(BIN)/python -m tests.faults.fuzz_inputs $(N) --seed $(SEED) -o build/inputs.json

load: setup
	@$(BIN)/python -m hdl_tests.load $(FRAMES) -o build/load.json

faults: setup
	@$(BIN)/python -m tests.faults.measure -o build/faults.json

verify-report: setup
	@$(BIN)/python -m benchmarks.verification

nightly: setup
	@PYTHON=$(BIN)/python sh scripts/nightly.sh $(HOURS)

boards: setup
	@PYTHONPATH=. $(BIN)/python benchmarks/boards.py

docs:
	@sh scripts/make_docs.sh

tables: setup
	@PYTHONPATH=. $(BIN)/python scripts/make_tables.py

lint: setup
	@$(BIN)/ruff check --no-cache .
	@$(BIN)/ruff format --no-cache --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache --no-logo

format: setup
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

clean:
	rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -not -path './.venv*' -type d -prune -exec rm -rf {} +
	find . -name sim_build -not -path './.venv*' -type d -prune -exec rm -rf {} +

distclean: clean
	rm -rf .venv .venv-newest .venv-packages .venv-docs
