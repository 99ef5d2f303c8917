"""The parts of Benchmarks/reliability: each shows one promise of docs/RELIABILITY.md, and returns what it measured."""
