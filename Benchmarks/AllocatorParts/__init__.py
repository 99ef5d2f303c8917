"""The parts of Benchmarks/allocators: who is measured, at what, how, and how it is shown."""
