"""Benchmarks: they print ratios against named baselines of the same run, and are never timed tests."""
