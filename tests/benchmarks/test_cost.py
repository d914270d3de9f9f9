"""The cost page: sums worked out by hand, settings that Terraform deploys, and a page that is up to date."""

import re
from pathlib import Path

import pytest

from benchmarks.cost import __main__ as command
from benchmarks.cost.model import (
    BASES,
    FIGURES,
    PRICES,
    A,
    Case,
    api_bill,
    bill,
    job_run,
    limits,
    run_seconds,
    seconds_per_read,
    value_of,
)

TERRAFORM = Path(__file__).parents[2] / "terraform"
MIDDLE, LARGE, GATHERED_MIDDLE, GATHERED = command.CASES[1:]


def test_a_line_of_the_bill_is_what_a_hand_works_out() -> None:
    middle, large, gathered = map(bill, (MIDDLE, LARGE, GATHERED))
    # 619,500 pushes, 2,000 of the run and 1,342.5 lists at $0.0047 a thousand
    assert middle["S3"]["s3_put"] == pytest.approx(2.92736, rel=1e-5)
    # 52 weeks of 9.4981575 GB and 0.2014286 GB of old versions at $0.025, for 7 of 30.4167 days
    assert middle["S3"]["s3_storage"] == pytest.approx(12.3526405 * 7 * 12 / 365, rel=1e-5)
    # 12,390,000 write units at $0.625 a million
    assert large["DynamoDB"]["dynamodb_write"] == pytest.approx(7.74375)
    # 200 queries of 200,000 x 440 x 26 bytes at $5 a terabyte
    assert large["Athena"]["athena"] == pytest.approx(2.288)
    # 149,250 bytes of a user and day in steps of 5,000, at $0.029 a gigabyte
    assert gathered["Firehose"]["firehose"] == pytest.approx(6.05955)
    function, containers = (api_bill(10_000, door) for door in ("lambda", "fargate"))
    # 7,000,000 requests of 0.06 s and 1 GB at $0.0000133334
    assert function["Lambda"]["lambda_gb_seconds"] == pytest.approx(5.600028)
    # two containers of half a vCPU for 168 hours at $0.04045
    assert containers["Fargate"]["fargate_vcpu"] == pytest.approx(6.7956)
    every = [lines for one in (gathered, function, containers) for lines in one.values()]
    # Not in a bill, but on the page among what is not counted: trail, and NAT
    assert set(PRICES) == {price for lines in every for price in lines} | {"trail", "nat"}


def test_sixteen_objects_are_opened_at_once_until_the_processor_is_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    assert seconds_per_read() == pytest.approx(0.0028)
    monkeypatch.setattr(A, "read_seconds", 0.08)
    assert seconds_per_read() == 0.005


def test_a_constant_follows_from_the_figures_of_a_benchmark(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = BASES["measured"]["ingest_bytes_per_core_second"]
    monkeypatch.setattr(FIGURES["start"], "bytes", 1000)
    monkeypatch.setattr(FIGURES["start"], "ingest", 3.0)
    assert value_of(entry) == 167  # of each of two cores, three digits


def test_a_run_gets_as_few_workers_as_are_not_slow_and_two_timeouts_when_none_end() -> None:
    workers, seconds, attempts = job_run(GATHERED)
    assert (workers <= 6, attempts) == (True, 1)
    assert seconds <= 2700 < run_seconds(GATHERED, workers - 1)
    assert job_run(Case(1_000_000)) == (50, 3600, 2)
    assert run_seconds(Case(limits()["slow"]), 4) == pytest.approx(2700, abs=0.1)


def test_gathered_objects_are_of_64_mb_or_15_minutes_and_keep_the_job_cheap() -> None:
    # 189.488 GB of lines; 7 days of 96 quarters of an hour
    assert (round(GATHERED.objects), GATHERED_MIDDLE.objects) == (2824, 672)
    assert bill(GATHERED)["Glue job"]["glue"] <= 2
    assert bill(GATHERED_MIDDLE)["Glue job"]["glue"] <= 0.2


def test_settings_are_those_that_terraform_deploys() -> None:
    deployed = re.sub(" +", " ", "".join(path.read_text(encoding="utf-8") for path in TERRAFORM.rglob("*.tf*")))
    receiver = re.findall(r"receiver = \{\n.*?memory = (\d+) .*?reserved = (\d+)\n", deployed, re.DOTALL)
    assert (str(A.receiver_megabytes), str(A.receiver_concurrency)) in receiver
    assert f"buffering_size = {A.gathered_bytes >> 20}\n buffering_interval = {A.gathered_seconds}\n" in deployed
    assert f"max_retries = {A.attempts - 1}\n timeout = {A.timeout_seconds // 60}\n" in deployed
    settings = {"above": A.slow_seconds, "number_of_workers": A.workers}
    for name, value in (*settings.items(), ("default", A.throttle_per_second), ("default", A.query_limit_bytes)):
        assert f"{name} = {value}\n" in deployed


def test_a_stale_page_is_refused_until_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "PAGE", tmp_path / "cost.md")
    command.PAGE.write_text("stale", encoding="utf-8")
    with pytest.raises(SystemExit, match="not up to date"):
        command.main(["--check"])
    command.main([])
    command.main(["--check"])
