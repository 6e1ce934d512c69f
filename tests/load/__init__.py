"""Many simulated cameras for benches and tests: ``python -m tests.load --help``."""
