# One command per intent. Every target sets up .venv first when the lock has changed.
.DEFAULT_GOAL := help
.PHONY: help demo up test nightly check rules chaos bench lock sbom audit clean

PYTHON := .venv/bin/python
# Some images set it: then each of the many processes would compile all that it imports anew.
unexport PYTHONDONTWRITEBYTECODE
# The runner's own flags for a part of the tests: make test ARGS="tests/unit -k roster"
ARGS ?=

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: .venv/.installed ## a day of groups through all four services (DATA=folder OUT=folder JSON=1)
	@$(PYTHON) -m deploy.embedded demo $(if $(DATA),--data "$(DATA)") $(if $(OUT),--out "$(OUT)") $(if $(JSON),--json)

up: .venv/.installed ## start everything on this machine and keep it running (PORT=8800)
	@$(PYTHON) -m deploy.embedded up $(if $(PORT),--port $(PORT))

# Each of the three workers starts its own PostgreSQL and Valkey; a file goes to one of them, with what its tests share.
# Three on two cores: end-to-end tests wait more than they work.
test: .venv/.installed-dev ## all tests (ARGS=...)
	@$(PYTHON) -m pytest -n 3 --dist loadfile $(ARGS)

nightly: .venv/.installed-dev ## properties at length: 50 000 steps through the lives of sessions and more (ARGS=...)
	@$(PYTHON) -m pytest -n 2 --dist load --hypothesis-profile=nightly $(ARGS)

check: .venv/.installed-dev ## format, lint, types, dependency rules, schemas, migrations, duplicates
	@tools/check

rules: .venv/.installed-dev ## which rule of docs/rules.md is shown by which test
	@$(PYTHON) -m tests.support.rules

chaos: .venv/.installed-dev ## break both deployments at random, count what is left (ARGS="--seed 7 --sessions 200 --only embedded", "--billing")
	@$(PYTHON) -m tests.chaos $(ARGS)

bench: .venv/.installed-dev ## measure the hot paths
	@$(PYTHON) -m tests.benchmarks

lock: .venv/.installed-dev ## resolve pyproject.toml into the lock files
	@tools/lock

# Two programs of others, each in an environment of its own: nothing here depends on them.
sbom: .venv/.installed-dev ## write what runs as a CycloneDX bill of materials (sbom.cdx.json)
	@.venv/bin/uv tool run --quiet --from cyclonedx-bom==7.5.0 cyclonedx-py requirements requirements.lock \
		--output-format JSON --output-file sbom.cdx.json

audit: .venv/.installed-dev ## ask PyPI whether anything that runs has a known vulnerability
	@.venv/bin/uv tool run --quiet --from pip-audit==2.10.1 pip-audit --strict --progress-spinner off \
		--require-hashes --disable-pip --requirement requirements.lock

clean: ## remove the environment, caches and what the demo wrote
	@rm -rf .venv var demo-output sbom.cdx.json .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/.installed: requirements.lock tools/set_up
	@tools/set_up requirements.lock

.venv/.installed-dev: requirements-dev.lock tools/set_up
	@tools/set_up requirements-dev.lock
