"""The cost page: sums worked out by hand, numbers that stand elsewhere too, and a page that is up to date."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from benchmarks.cost import __main__ as command
from benchmarks.cost import assumptions as a
from benchmarks.cost.limits import limits, most, rounded
from benchmarks.cost.model import Case, bill, component_dollars, job_run, run_seconds
from benchmarks.cost.page import CASES, document
from benchmarks.cost.prices import PRICES

PROJECT = Path(__file__).parents[2]

SMALL, MIDDLE, LARGE, GATHERED = CASES


def dollars(case: Case, component: str, what: str) -> float:
    (item,) = [item for item in bill(case) if (item.component, item.what) == (component, what)]
    return item.dollars


def terraform(name: str) -> str:
    return (PROJECT / "terraform" / name).read_text(encoding="utf-8")


def test_the_columns_are_the_three_sizes_and_the_largest_gathered() -> None:
    assert [case.name for case in CASES] == ["100", "10,000", "200,000", "200,000 gathered"]


@pytest.mark.parametrize(
    ("case", "component", "what", "expected"),
    [
        # 100 people x 8.85 pushes x 7 days = 6,195 requests at $1.29 a million
        (SMALL, "API Gateway", "requests", 0.00799155),
        # 60 s + 88.275 lists of 0.1 s + 0.0448 s + (22.4032 + 0.243 + 13,275 x 0.03) s / 12 slots = 103.95 s of 4 DPU
        (SMALL, "Glue job", "DPU-hours", 0.0508185),
        # 619,500 pushes and 2,000 of the run at $0.0047 a thousand
        (MIDDLE, "S3", "PUT", 2.92105),
        # 52 weeks of 9.4981575 GB and 0.6042857 GB of old versions at $0.025, for 7 of 30.4167 days
        (MIDDLE, "S3", "storage after a year", 12.3627119 * 7 * 12 / 365),
        # 12,390,000 write units at $0.625 a million
        (LARGE, "DynamoDB", "writes", 7.74375),
        # 200 queries of 200,000 x 440 x 26 bytes at $5 a terabyte
        (LARGE, "Athena", "queries", 2.288),
        # two attempts of 60 minutes on 50 workers at $0.44
        (LARGE, "Glue job", "DPU-hours", 44.0),
        # 149,250 bytes of a person and day in steps of 5,000, at $0.029 a gigabyte
        (GATHERED, "Firehose", "bytes in", 6.05955),
    ],
)
def test_a_line_of_the_bill_is_what_a_hand_works_out(case: Case, component: str, what: str, expected: float) -> None:
    assert dollars(case, component, what) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_components_add_up_to_the_lines_of_the_bill_and_no_line_is_negative(case: Case) -> None:
    items = bill(case)

    assert sum(component_dollars(case).values()) == pytest.approx(sum(item.dollars for item in items))
    assert all(item.dollars >= 0 for item in items)
    assert {"Glue job", "S3", "Lambda", "API Gateway", "DynamoDB", "KMS", "Secrets Manager", "CloudWatch"} < set(
        component_dollars(case)
    )


def test_the_printed_rows_of_a_table_add_up_to_its_printed_sum() -> None:
    for heading in ("## A week, in dollars", "## A month, in dollars"):
        lines = document().partition(f"{heading}\n\n")[2].partition("\n\n")[0].splitlines()[2:]
        rows = [[cell.strip(" *").replace(",", "") for cell in line.strip("|").split("|")] for line in lines]
        printed = {row[0]: [0.0 if "<" in cell else float(cell) for cell in row[1:]] for row in rows}
        total = printed.pop("all")
        del printed["for a person"]

        sums = [sum(column) for column in zip(*printed.values(), strict=True)]
        assert sums == pytest.approx(total, abs=0.06)


def test_a_run_gets_as_few_workers_as_end_it_within_45_minutes() -> None:
    run = job_run(MIDDLE)

    assert run.workers == 6
    assert run_seconds(MIDDLE, 6) <= 2700 < run_seconds(MIDDLE, 5)
    assert job_run(SMALL).workers == 4


def test_one_object_per_push_does_not_end_at_200_000_people_and_gathered_objects_do() -> None:
    assert (job_run(LARGE).attempts, job_run(LARGE).seconds) == (2, 3600)
    assert job_run(GATHERED).attempts == 1


def test_limits_come_in_the_order_in_which_they_are_met_each_with_a_next_step() -> None:
    found = limits()
    met = [limit.people for limit in found if limit.people is not None]

    assert met == sorted(met)
    assert all(limit.next_step for limit in found)
    by_start = {limit.what.partition(" (")[0]: limit.people for limit in found}
    # 1 GiB / 560 bytes; 50 / (8.85 / 86,400 x 6)
    assert by_start["1 GiB for the one file of a partition"] == 1_917_396
    assert by_start["50 requests a second"] == 81_355
    assert by_start["5.3 MB of one body"] is None


def test_the_job_meets_its_limit_at_the_last_size_that_still_ends_in_time() -> None:
    people = next(limit.people for limit in limits() if limit.what.startswith("4 workers take 45 minutes"))

    assert people is not None
    assert run_seconds(Case(people), 4) <= 2700 < run_seconds(Case(people + 1), 4)


def test_the_last_number_that_holds_is_found() -> None:
    assert most(lambda number: number <= 77) == 77
    assert rounded(81_355) == 81_000


def test_measured_seconds_are_those_of_the_performance_page() -> None:
    page = (PROJECT / "docs/performance.md").read_text(encoding="utf-8")

    assert "1 week (290 MB" in page
    assert f"| spark | 16.4 | 15 | {a.MEASURED_INGEST_SECONDS} |" in page
    assert f"| spark | 39.5 | {a.MEASURED_REDUCE_SECONDS} | 3.6 | 2.8 |" in page
    assert pytest.approx(3.6 + 2.8) == a.MEASURED_DRIVER_SECONDS


def test_settings_are_those_that_terraform_deploys() -> None:
    receiver = terraform("lambdas.tf").partition("receiver = {")[2]
    settings = dict(re.findall(r"^ +(memory|reserved) += (\d+)", receiver, re.MULTILINE)[:2])
    rate = terraform("variables.tf").partition('"webhook_requests_per_second"')[2].partition("default")[2]

    assert settings == {"memory": str(int(a.RECEIVER_GB * 1024)), "reserved": str(a.RECEIVER_CONCURRENCY)}
    assert rate.split()[1] == str(a.THROTTLE_PER_SECOND)
    assert re.search(rf"number_of_workers += {a.WORKERS}$", terraform("env/prod.tfvars"), re.MULTILINE)
    assert f"timeout                = {a.TIMEOUT_SECONDS / 60:.0f}\n" in terraform("job.tf")
    assert f"max_retries            = {a.ATTEMPTS - 1}\n" in terraform("job.tf")
    assert f"above      = {a.SLOW_SECONDS:.0f}\n" in terraform("alerts.tf")
    assert f"= {a.QUERY_LIMIT_BYTES}\n" in terraform("variables.tf")
    assert terraform("keys.tf").count('resource "aws_kms_key" ') == a.KEYS
    assert terraform("lake.tf").count('resource "aws_secretsmanager_secret" ') == a.SECRETS


def test_every_price_is_used_and_says_whether_it_was_verified() -> None:
    page = document()
    used = {item.price for case in CASES for item in bill(case)} | {"trail"}

    assert used == set(PRICES)
    assert page.count("**not verified**") == sum(price.seen == "unverified" for price in PRICES.values())


def test_the_page_is_up_to_date() -> None:
    assert command.main(["--check"]) == 0


def test_a_stale_and_a_missing_page_are_told_until_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "PAGE", tmp_path / "cost.md")
    assert command.main(["--check"]) == 1
    (tmp_path / "cost.md").write_text("old", encoding="utf-8")
    assert command.main(["--check"]) == 1
    assert "docs/cost.md is not up to date" in capsys.readouterr().err

    assert command.main(["--write"]) == 0
    assert command.main(["--check"]) == 0
    assert command.main([]) == 0
    assert capsys.readouterr().out == document()
