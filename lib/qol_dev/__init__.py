"""Tools for people who develop or try the project: sample data, the local cloud, packages, the demo."""
