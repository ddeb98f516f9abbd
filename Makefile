# Thin aliases; run.py does the work.
.PHONY: up test bench lock

up test bench:
	python3 run.py $@

# The newest versions that pyproject.toml allows, from a clean environment.
lock:
	python3 run.py lock
