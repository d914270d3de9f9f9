"""Collects from vendors that must be asked, as `collect:` of their contracts says; writes raw lines only."""
