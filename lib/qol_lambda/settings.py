"""Settings of the functions: environment variables that Terraform sets."""

import os
from dataclasses import dataclass

from qol.errors import UsageError


def setting(name: str, default: str | None = None) -> str:
    """The value of an environment variable, else the default; UsageError when it has neither."""
    value = os.environ.get(name, default)
    if value is None:
        raise UsageError(f"environment variable {name}: not set; allowed: a value (Terraform sets it)")
    return value


@dataclass(frozen=True)
class Installation:
    """The installation that sends a notification."""

    stage: str
    job: str
    region: str = ""
    log_group: str = ""
    erase_log_group: str = ""
    #: `s3://bucket/prefix`, as `--lake` takes it.
    lake: str = ""
    #: The log group of the function that sends it.
    own_log_group: str = ""
    #: Where people read the runbook.
    runbook: str = "docs/runbook.md"

    @property
    def kick(self) -> str:
        """The name of the function that starts the weekly run."""
        return "qol-weekly-survey-kick" + ("" if self.stage == "prod" else f"-{self.stage}")


def this_installation(region: str | None = None) -> Installation:
    """Stage, job, region, lake, log groups and runbook of this function."""
    return Installation(
        stage=setting("QOL_STAGE", "dev"),
        job=setting("QOL_JOB_NAME", "qol-weekly-etl"),
        region=region or setting("AWS_REGION", "ap-northeast-1"),
        log_group=setting("QOL_LOG_GROUP", ""),
        erase_log_group=setting("QOL_ERASE_LOG_GROUP", ""),
        lake=f"s3://{setting('QOL_BUCKET', '')}/{setting('QOL_PREFIX', '')}".rstrip("/"),
        own_log_group=setting("AWS_LAMBDA_LOG_GROUP_NAME", ""),
        runbook=setting("QOL_RUNBOOK", "docs/runbook.md"),
    )
