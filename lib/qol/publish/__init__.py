"""Staged, verified files over fixed names by one atomic act each; the manifest last."""
