"""The installation a function belongs to, from its environment."""

from __future__ import annotations

from qol_lambda.messages import Place
from qol_lambda.settings import setting


def this_place(region: str | None = None) -> Place:
    """For messages: stage, job, region and the job's log group where the function knows them."""
    return Place(
        stage=setting("QOL_STAGE", "dev"),
        job=setting("QOL_JOB_NAME", "qol-weekly-etl"),
        region=region or setting("AWS_REGION", "ap-northeast-1"),
        log_group=setting("QOL_LOG_GROUP", ""),
    )
