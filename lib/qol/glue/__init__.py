"""The weekly job on AWS Glue: Glue's arguments to a request, the job service, its log and metrics, and its exit code."""
