# Two commands for a newcomer: `make demo` and `make test`. Each does all its own set-up.
.PHONY: demo test bench lint types contracts lock clean
BIN := .venv/bin

demo: .venv/.runtime
	$(BIN)/python -m demo $(ARGS)

test: .venv/.dev
	$(BIN)/python -m pytest $(ARGS)

bench: .venv/.runtime
	$(BIN)/python -m bench.tokens
	$(BIN)/python -m bench.log

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

lock:
	uv pip compile pyproject.toml --extra build --generate-hashes --no-header \
	    --python-version 3.11 --universal -o requirements.lock
	uv pip compile pyproject.toml --extra build --extra dev --generate-hashes --no-header \
	    --python-version 3.11 --universal -o requirements-dev.lock

clean:
	rm -rf .venv .demo .mypy_cache .ruff_cache .pytest_cache .hypothesis
