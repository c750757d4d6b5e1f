# The commands that a newcomer needs. Each does all its own set-up and can be run again at any time.

.PHONY: help up test drill down lint unit docs lock

help:
	@echo "make up     raise the platform on this machine (root for servers that boot)"
	@echo "make test   lint, unit and integration tests"
	@echo "make drill  lose an environment on purpose, rebuild it, and measure that (root)"
	@echo "make down   remove everything that make up made"
	@echo
	@echo "make lint   ruff and mypy        make unit   the fast tests"
	@echo "make docs   build the pages      make lock   refresh requirements/*.lock"

up:
	@scripts/terp up

test:
	@scripts/test

drill:
	@scripts/terp drill

down:
	@scripts/terp down

lint unit:
	@scripts/test $@

docs:
	@"$$(scripts/python docs)" -m mkdocs build --strict

lock:
	@scripts/lock
