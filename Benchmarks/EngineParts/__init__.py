"""The parts of Benchmarks/engines."""
