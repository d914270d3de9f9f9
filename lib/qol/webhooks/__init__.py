"""What vendors push: bodies to raw lines, and who may push. Used by the functions on AWS too, so it imports nothing heavy."""
