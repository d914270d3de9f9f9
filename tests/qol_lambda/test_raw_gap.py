"""People without data are listed by their internal ids and counted, and nobody is written to about them."""

import json
from collections.abc import Callable
from datetime import date
from typing import Any

import boto3
import pytest
import requests

from qol.errors import QolError, UsageError
from qol_lambda import athena, raw_gap
from qol_lambda.clients import client
from tests.qol_lambda.conftest import Cloud, case

EVENT = case("scheduler_raw_gap.json")
TODAY = date(2026, 11, 18)


def _person(vendor_id: str, user_id: str, registered_at: str = "", **values: str) -> None:
    item = {"garmin_user_id": vendor_id, "user_id": user_id, "status": "active", "registered_at": registered_at}
    typed = {name: {"S": value} for name, value in (item | values).items() if value}
    client("dynamodb").put_item(TableName="user_id_map", Item=typed)


@pytest.fixture
def last_days(cloud: Cloud) -> Callable[[dict[str, str]], None]:
    """Athena's next answer."""
    where = {"ResultConfiguration": {"OutputLocation": "s3://lake/p/athena-results/"}}
    client("athena").create_work_group(Name="qol", Configuration=where)

    def answer(days: dict[str, str]) -> None:
        names = [{"Name": name, "Label": name, "Type": "varchar"} for name in ("user_id", "last_day")]
        head = {"Data": [{"VarCharValue": "user_id"}, {"VarCharValue": "last_day"}]}
        rows = [head, *[{"Data": [{"VarCharValue": user}, {"VarCharValue": day}]} for user, day in days.items()]]
        result = {"rows": rows, "column_info": names}
        body: dict[str, Any] = {"account_id": "123456789012", "region": "ap-northeast-1", "results": [result]}
        requests.post("http://motoapi.amazonaws.com/moto-api/static/athena/query-results", json=body, timeout=5)

    return answer


def _table() -> str:
    body = client("s3").get_object(Bucket="lake", Key="p/_reports/raw_gaps/date=2026-11-18/raw_gaps.csv")["Body"].read()
    return str(body.decode())


def test_active_people_without_data_for_14_days_are_listed_and_counted(
    cloud: Cloud, last_days: Callable[[dict[str, str]], None], capsys: pytest.CaptureFixture[str]
) -> None:
    _person("g-1", "p1", "2026-01-05T00:00:00.000000+00:00")
    _person("g-2", "p2", "2026-01-05T00:00:00.000000+00:00")
    _person("oura:o-2", "p2", "2026-02-05T00:00:00.000000+00:00")
    _person("g-3", "p3", "2026-11-12T00:00:00.000000+00:00")
    _person("g-4", "p4", "2026-10-01T00:00:00.000000+00:00")
    _person("g-5", "p5", "2026-01-05T00:00:00.000000+00:00", status="deregistered")
    last_days({"p1": "2026-11-17", "p2": "2026-11-04", "p5": "2026-03-01", "unmapped": "2026-01-01"})
    assert raw_gap.handler(EVENT, None) == {"date": "2026-11-18", "people_active": 4, "people_without_data": 2}
    assert _table() == (
        "user_id,last_day,registered_on,days_without_data\np2,2026-11-04,2026-01-05,14\np4,,2026-10-01,48\n"
    )
    [line] = [line for line in capsys.readouterr().out.splitlines() if '"_aws"' in line]
    counted = json.loads(line)
    assert (counted["people_active"], counted["people_without_data"]) == ([4.0], [2.0])
    assert (counted["stage"], counted["_aws"]["CloudWatchMetrics"][0]["Namespace"]) == ("prod", "QoLLake")
    assert cloud.mails() == []


def test_a_week_without_gaps_leaves_an_empty_table(cloud: Cloud, last_days: Callable[[dict[str, str]], None]) -> None:
    _person("g-1", "p1", "2026-01-05T00:00:00.000000+00:00")
    last_days({"p1": "2026-11-17"})
    assert raw_gap.handler(EVENT, None)["people_without_data"] == 0
    assert _table() == "user_id,last_day,registered_on,days_without_data\n"


def test_the_fourteenth_day_counts_and_the_thirteenth_does_not() -> None:
    last = {"a": date(2026, 11, 4), "b": date(2026, 11, 5)}
    found = raw_gap.gaps({"a": None, "b": None, "c": None}, last, TODAY, 14)
    assert [(gap.user_id, gap.days) for gap in found] == [("a", 14), ("c", None)]


def test_more_people_than_one_page_of_the_map_are_all_found(cloud: Cloud) -> None:
    table = boto3.resource("dynamodb").Table("user_id_map")
    with table.batch_writer() as batch:
        for number in range(1_200):
            batch.put_item({"garmin_user_id": f"g-{number}", "user_id": f"p{number}", "note": "x" * 1_000})
    assert len(raw_gap.active_people()) == 1_200


def test_the_vendor_id_is_not_even_asked_for(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, Any]] = []
    client("dynamodb").meta.events.register(
        "provide-client-params.dynamodb.Scan", lambda params, **_: asked.append(dict(params))
    )
    raw_gap.active_people()
    assert [request["ProjectionExpression"] for request in asked] == ["user_id, #status, registered_at"]
    assert {request["Select"] for request in asked} == {"SPECIFIC_ATTRIBUTES"}


def test_a_check_that_cannot_be_made_is_told_and_raised(cloud: Cloud) -> None:
    with pytest.raises(UsageError, match="scheduled_time: found nothing"):
        raw_gap.handler({}, None)
    cloud.check_mail("gaps_failed")


@pytest.mark.parametrize(("state", "words"), [("FAILED", "ended FAILED"), ("RUNNING", "not finished in 180 s")])
def test_a_query_that_does_not_end_well_is_named(
    cloud: Cloud, last_days: object, monkeypatch: pytest.MonkeyPatch, state: str, words: str
) -> None:
    answer = {"QueryExecution": {"Status": {"State": state}}}
    monkeypatch.setattr(client("athena"), "get_query_execution", lambda **_: answer)
    ticks = iter(range(0, 10_000, 60))
    with pytest.raises(QolError, match=f"Athena query [-0-9a-f]+: {words}"):
        athena.query_csv(raw_gap.LAST_DAYS, clock=lambda: next(ticks), sleep=lambda _: None)
