"""`schemas/serve.yaml`: default fields, limits and flags of the API."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationError

from qol.contracts.language import Model
from qol.contracts.problems import shape_problems
from qol.contracts.roots import own_or_shipped
from qol.contracts.yaml_file import read_yaml
from qol.errors import ContractError, Problem

SERVE = "serve.yaml"


class Fields(Model):
    """Columns of an answer by period: of `daily_metrics`, of `weekly_metrics`, and daily metrics of a month."""

    day: tuple[str, ...]
    week: tuple[str, ...]
    month: tuple[str, ...]


class Limits(Model):
    """Requests of a caller in any minute, and the largest bodies in bytes."""

    requests_per_minute: Annotated[int, Field(ge=1)] = 100
    body_bytes: Annotated[int, Field(ge=1)] = 5_000_000
    unpacked_bytes: Annotated[int, Field(ge=1)] = 10_000_000
    garmin_body_bytes: Annotated[int, Field(ge=1)] = 100 * 2**20


class Flag(Model):
    """A feature that is on, off, or on for a share of people in percent."""

    on: bool = True
    percent: Annotated[int, Field(ge=0, le=100)] = 100


class Feed(Model):
    """A collected record type without data about people, which every key with `feeds:read` may read."""

    keys: tuple[str, ...]
    """Values of its person field, such as symbols."""
    ttl_seconds: Annotated[int, Field(ge=1)] = 300
    """How long an answer is fresh."""


class ServeFile(Model):
    """The whole file."""

    fields: Fields
    limits: Limits = Limits()
    feeds: Annotated[dict[str, Feed], Field(default_factory=dict)]
    """By `<source>/<record>`."""
    prices: str | None = None
    """The feed that `/prices` is a name of."""
    flags: Annotated[dict[str, Flag], Field(default_factory=dict)]


def read_serve_file(root: Path) -> ServeFile:
    """The file beside the contracts, or the product's own; ContractError names every mistake."""
    data, problems = read_yaml(own_or_shipped(root, SERVE), SERVE)
    try:
        if problems:
            raise ContractError(problems)
        return ServeFile.model_validate(data)
    except ValidationError as errors:
        found: list[Problem] = shape_problems(SERVE, ServeFile, errors)
        raise ContractError(found) from None
