"""The parts of Benchmarks/files."""
