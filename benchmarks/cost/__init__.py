"""What an installation costs and where its limits are: `python -m benchmarks.cost`."""
