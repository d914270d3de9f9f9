"""The weekly job on AWS Glue: Glue's arguments in, the command line's run, an end that Glue and its operators understand."""
