"""What contracts say of a week that is not as the weeks before: how far is too far, and how bad that is."""

from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Literal, get_args

from annotated_types import Gt, Interval
from pydantic import Field

from qol.contracts.language import Maybe, Model, Name, Number, Text, Whole

Severity = Literal["critical", "warning", "info"]
SEVERITIES: tuple[Severity, ...] = get_args(Severity)
#: What is compared between weeks; the names stand in schemas/quality.yaml and in a contract's `quality.severity`.
Compared = Literal["people", "rows_per_person", "fields", "fresh"]
Share = Annotated[Number, Interval(gt=0, le=1)]


class Judged(Model):
    """Something that is compared or claimed, and how bad it is when it does not hold."""

    severity: Severity
    """critical: the run is refused; warning: it is published and operators get a message; info: it is only recorded."""


class UsersCompared(Judged):
    """Users of a closed week against the mean of the four weeks before."""

    lost_share: Share
    """The largest share of the users that may be missing."""


class RowsCompared(Judged):
    """Rows per user of a closed week against the four weeks before."""

    times: Annotated[Number, Gt(1)]
    """So many times as many, or as few, is too far."""


class FieldsCompared(Judged):
    """Null rates of a week, the running one too, against the four weeks before."""

    known_share: Share
    """Only fields are compared that so large a share of the earlier rows had."""
    lost_share: Share
    """From this share of the expected values on, a field counts as lost."""


class Quality(Model):
    """How a week of any table is compared with the four before it: schemas/quality.yaml. A source contract's `quality` overrides severities."""

    people: UsersCompared
    rows_per_person: RowsCompared
    fields: FieldsCompared
    fresh: Judged
    """The newest day of records that declare fresh_within_days."""

    @cached_property
    def severity(self) -> Mapping[Compared, Severity]:
        """How bad each comparison is, where no source contract says otherwise."""
        return {compared: getattr(self, compared).severity for compared in get_args(Compared)}


class RecordQuality(Model):
    """How bad it is when a week of these records is not as the four before; schemas/quality.yaml has what holds without it."""

    fresh_within_days: Maybe[Annotated[Whole, Interval(ge=1, le=28)]] = None
    """How many days before the run the newest day of all users may lie; checked while the last four weeks have data. Without it nothing is checked."""
    severity: dict[Compared, Severity] = Field(default_factory=dict)
    """people: fewer users than in the weeks before; rows_per_person: far fewer or more rows per user; fields: fields that are null far more often; fresh: no data for longer than fresh_within_days."""
    fields: dict[Name, Severity] = Field(default_factory=dict)
    """Severity of single fields that are null far more often; critical refuses a closed week and warns of a running one."""


class Claim(Judged):
    """A claim about every metric of a table, such as that its mean lies between its min and its max."""

    description: Text
    """The claim in words."""
