"""Requests to AWS and metrics for CloudWatch; imports nothing heavy, as the functions on AWS use it too."""
