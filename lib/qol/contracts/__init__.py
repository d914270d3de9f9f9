"""Contracts: what `schemas/` says about sources, metrics and tables, checked and resolved."""
