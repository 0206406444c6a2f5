"""Benchmarks: `make bench`, or `python -m benchmarks --only search --quick`.

Each module `bench_X.py` has `figures(quick) -> Iterator[Figure]` and runs in a process of its own, on an installation of its
own that is thrown away. It measures what it compares with in the same run, in alternating order. docs/performance.md.
"""
