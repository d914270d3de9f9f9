"""The installation of a function, from its environment."""

from __future__ import annotations

from qol_lambda.messages import Installation
from qol_lambda.settings import setting


def this_installation(region: str | None = None) -> Installation:
    """Stage, job, region and the job's log group of this function."""
    return Installation(
        stage=setting("QOL_STAGE", "dev"),
        job=setting("QOL_JOB_NAME", "qol-weekly-etl"),
        region=region or setting("AWS_REGION", "ap-northeast-1"),
        log_group=setting("QOL_LOG_GROUP", ""),
    )
