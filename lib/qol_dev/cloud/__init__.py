"""The deployment on this machine: the tools it needs, and a whole cloud to try it on."""
