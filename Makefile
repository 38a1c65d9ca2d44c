# Two commands for a newcomer: `make demo` and `make test`. Each does all its own set-up.
.PHONY: demo test soak mutants bench compare styles lint types contracts lock clean
BIN := .venv/bin

demo: .venv/.runtime
	$(BIN)/python -m demo $(ARGS)

# In the order of the folders: the few long stories of tests/e2e come early, not last and alone.
# Those wait for each other more than for a processor, so that there is one worker more than there are.
# Compiled modules are kept, whatever the environment says: a hundred programs start in these tests.
test: .venv/.dev
	PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n $$(($$(getconf _NPROCESSORS_ONLN) + 1)) --dist loadfile --no-loadscope-reorder $(ARGS)

# Long fault and fuzz runs, and the property tests with many more examples; ARGS=tests/soak/... for a part.
soak: .venv/.dev
	HYPOTHESIS_PROFILE=soak $(BIN)/python -m pytest -p tests.soak.progress \
	    $(if $(filter tests/%,$(ARGS)),,tests/soak tests/property) $(ARGS)

# Conditions and refusals taken out one by one: does a test go red? Hours for all; ARGS=hub/exchange
# for a part. What was killed is not tried again while module and test stay as they are.
mutants: .venv/.dev
	$(BIN)/python -m scripts.mutants $(ARGS)

# Every figure is a ratio of one run; the table in the end is bench/results.json. An hour or two.
bench: .venv/.dev .venv-bench/.made
	$(BIN)/python -m bench.tokens
	$(BIN)/python -m bench.first_load
	$(BIN)/python -m bench.hub_publish
	$(BIN)/python -m bench.log
	$(BIN)/python -m bench.audit
	$(BIN)/python -m bench.publications
	$(BIN)/python -m bench.importing
	$(BIN)/python -m bench.clients
	$(BIN)/python -m bench.pages
	$(BIN)/python -m bench.evaluations
	$(BIN)/python -m bench.overload
	$(BIN)/python -m bench.requests
	$(BIN)/python -m bench.matching.attacks
	$(BIN)/python -m bench.matching.million
	$(BIN)/python -m bench.results

# Beside Splink and CLK + anonlink. DATA=DIR holds council-train and council-validate; see README.
compare: .venv/.dev .venv-bench/.made
	.venv-bench/bin/python -m bench.matching.compare $(if $(DATA),--data $(DATA)) $(ARGS)

# Needs npm. What it makes is committed: nobody else needs it.
styles:
	npm install --silent --no-save --prefix .styles govuk-frontend@6.3.0 sass@1.94
	.styles/node_modules/.bin/sass --no-source-map --style=compressed --quiet-deps \
	    --load-path=.styles/node_modules web/styles/site.scss web/static/site.css

lint: .venv/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/.dev
	$(BIN)/mypy

contracts: .venv/.dev
	$(BIN)/lint-imports

.venv/.runtime: requirements.lock pyproject.toml scripts/bootstrap.sh
	scripts/bootstrap.sh requirements.lock
	@touch $@

.venv/.dev: requirements-dev.lock pyproject.toml scripts/bootstrap.sh
	scripts/bootstrap.sh requirements-dev.lock
	@touch $@ .venv/.runtime

.venv-bench/.made: requirements-bench.lock
	$(or $(PYTHON),python3) -m venv .venv-bench
	.venv-bench/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r $<
	@touch $@

lock:
	uv pip compile pyproject.toml --extra build --extra demo --generate-hashes --no-header \
	    --python-version 3.11 --universal -o requirements.lock
	uv pip compile pyproject.toml --extra build --extra dev --generate-hashes --no-header \
	    --python-version 3.11 --universal -o requirements-dev.lock
	uv pip compile --group bench --generate-hashes --no-header \
	    --python-version 3.11 --universal -o requirements-bench.lock

clean:
	rm -rf .venv .venv-bench .bench .mutants .demo .mypy_cache .ruff_cache .pytest_cache .hypothesis
