"""The HTTP API over a lake: batches in, summaries out. Nothing else of the product imports it, but the command line."""
