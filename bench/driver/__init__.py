"""The driver behind `bench/run`; Python's standard library only."""
