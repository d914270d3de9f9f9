"""The weekly job as AWS Glue starts it: `qol run`, `qol backfill` or `qol rebuild`, with the same options and the same code.

`--command run|backfill|rebuild` says which one (default run). A run that ends with an exit code from 1 to 4 ends this
process with an exception, so that Glue marks it FAILED and starts its second attempt.
"""

import sys

from awsglue.utils import getResolvedOptions

from qol.glue.glue_job import run_glue_job

if __name__ == "__main__":
    run_glue_job(sys.argv, getResolvedOptions)
