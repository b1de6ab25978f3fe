"""What this pipeline does a second, beside what the machine allows: ``python -m benchmarks``."""
