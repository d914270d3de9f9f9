"""Publish staged, verified files under fixed names, each by one atomic write; restore earlier versions."""
