# Any Python from 3.11 on, under whichever name: make demo PYTHON=/path/to/python
PYTHON ?= $(firstword $(foreach name,python3 python3.13 python3.12 python3.11,$(shell \
	$(name) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $(name))))

# uv installs in seconds; where it cannot be had or cannot reach its packages, pip does the same.
# Where Python may not keep what it compiles, uv compiles now: every start is then four times as fast.
install = .venv/bin/pip install --quiet --disable-pip-version-check uv \
	&& .venv/bin/uv pip install --quiet $(if $(PYTHONDONTWRITEBYTECODE),--compile-bytecode) --python .venv/bin/python -r $(1) \
	|| .venv/bin/pip install --quiet --disable-pip-version-check -r $(1)

.PHONY: demo play test lint benchmarks

demo: .venv/installed  ## the whole product at http://127.0.0.1:8000/
	@.venv/bin/python -m config.supervisor

play: .venv/installed  ## plays the running demo's day forward; ARGS as in ARGS="--speed 20 --minutes 10"
	@.venv/bin/python -m config.play $(ARGS)

test: .venv/installed-dev  ## everything, on SQLite + Valkey and on PostgreSQL + Redis; ARGS go to pytest
	@.venv/bin/python -m tests $(ARGS)

lint: .venv/installed-dev
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/djlint --lint --quiet templates

benchmarks: .venv/installed-dev  ## a quick run of each, to see that they work
	@set -e; for script in $$(grep -ls -e --smoke benchmarks/*.py); do \
		echo "$$script --smoke"; .venv/bin/python "$$script" --smoke; done

.venv/bin/python:
	@[ -n "$(PYTHON)" ] || { echo "Truckroll needs Python 3.11 or newer: make demo PYTHON=/path/to/python3.11" >&2; exit 1; }
	$(PYTHON) -m venv --clear .venv

.venv/installed: requirements.txt | .venv/bin/python
	@echo "Installing into .venv ..."
	@$(call install,requirements.txt)
	@touch $@

.venv/installed-dev: requirements-dev.txt .venv/installed
	@$(call install,requirements-dev.txt)
	@touch $@
