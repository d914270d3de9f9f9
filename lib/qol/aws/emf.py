"""Metrics in CloudWatch's embedded metric format (EMF): lines of JSON on standard output that CloudWatch reads."""

import json
from collections.abc import Mapping
from datetime import datetime

from aws_lambda_powertools.metrics.provider.cloudwatch_emf.cloudwatch import AmazonCloudWatchEMFProvider

NAMESPACE = "QoLLake"


def emf_line(
    dimensions: Mapping[str, str],
    metrics: Mapping[str, tuple[float, str]],
    properties: Mapping[str, str | int | None],
    at: datetime,
) -> str:
    """One EMF document: metrics (value and unit by name), their dimensions, and properties to search the log for."""
    provider = AmazonCloudWatchEMFProvider(namespace=NAMESPACE, service="")  # "": no dimension of powertools' own
    for name, text in dimensions.items():
        provider.add_dimension(name, text)
    for name, (value, unit) in metrics.items():
        provider.add_metric(name, unit, value)
    for name, given in properties.items():
        provider.add_metadata(name, given)
    provider.timestamp = int(at.timestamp() * 1000)
    return json.dumps(provider.serialize_metric_set(), separators=(",", ":"))
