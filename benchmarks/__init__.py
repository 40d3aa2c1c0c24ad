"""Figures of speed and size, always side by side with something simple: ``python -m benchmarks``."""
