"""The sample lake as files: the same bytes from the same options, never over somebody's data."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from qol.errors import UsageError
from qol_dev.sample import CORE, SampleOptions, write_sample

from .conftest import SampleLake, content

SMALL = SampleOptions(users=4, weeks=1, seed=11)


def tree(root: Path) -> dict[str, bytes]:
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}


def test_the_same_options_give_the_same_bytes_in_another_process(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib; from qol_dev.sample import SampleOptions, write_sample; "
        "write_sample(pathlib.Path(sys.argv[1]), SampleOptions(users=4, weeks=1, seed=11))"
    )
    write_sample(tmp_path / "here", SMALL)
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "there")], check=True)
    assert tree(tmp_path / "here") == tree(tmp_path / "there")


def test_another_seed_gives_other_lives(tmp_path: Path) -> None:
    for seed in (1, 2):
        write_sample(tmp_path / str(seed), SampleOptions(users=2, weeks=1, seed=seed, sources=CORE))
    assert tree(tmp_path / "1") != tree(tmp_path / "2")


def test_one_source_s_lines_do_not_depend_on_the_others_being_there(tmp_path: Path) -> None:
    for name, sources in (("alone", ("garmin", "oura", "healthkit")), ("all", SMALL.sources)):
        write_sample(tmp_path / name, SampleOptions(users=6, weeks=1, seed=2, sources=sources))
    lines = []
    for name in ("alone", "all"):
        objects = (tmp_path / name / "raw/garmin/userMetrics").rglob("*0000.jsonl*")
        lines.append({line for path in objects for line in content(path).split(b"\n")})
    assert len(lines[0] & lines[1]) > 0.9 * len(lines[0]) > 3


def test_every_line_lies_under_the_day_it_arrived_in_order_and_before_the_run(sample: SampleLake) -> None:
    for path in sample.objects():
        date = path.parent.name.removeprefix("date=")
        assert "2026-10-24" < date < "2026-11-18"
        stamps = re.findall(rb'"_received_at":"([^"]+)"}', content(path))
        assert stamps == sorted(stamps), path
        assert {stamp[:10] for stamp in stamps} <= {date.encode()}
    assert str(sample.summary.last_arrival) == "2026-11-17"


def test_a_lake_with_data_or_a_key_is_left_alone(tmp_path: Path) -> None:
    for name in ("raw", "_keys"):
        (tmp_path / name / "lake" / name).mkdir(parents=True)
        with pytest.raises(UsageError, match="allowed: a new or empty folder"):
            write_sample(tmp_path / name / "lake", SMALL)


def test_the_key_is_private_before_it_is_anybody_s(sample: SampleLake) -> None:
    key = sample.root / "_keys/pseudonym.key"
    assert key.stat().st_mode & 0o777 == 0o600
    assert len(key.read_bytes()) == 64


@pytest.mark.parametrize(("sources", "found"), [(("fitbit",), "fitbit"), ((), "none")])
def test_sources_without_a_contract_are_refused(tmp_path: Path, sources: tuple[str, ...], found: str) -> None:
    with pytest.raises(UsageError, match=f"sample sources: found {found}; allowed: .*garmin, .*garmin-core"):
        write_sample(tmp_path / "lake", SampleOptions(sources=sources))
    assert not (tmp_path / "lake").exists()


@pytest.mark.parametrize("options", [{"users": 0}, {"weeks": 0}, {"seed": -1}, {"end": "2026-W60"}, {"weeks": 2_000}])
def test_options_outside_their_limits_are_refused(options: dict[str, int]) -> None:
    with pytest.raises(UsageError, match="allowed"):
        SampleOptions(**options)  # type: ignore[arg-type]


@pytest.mark.parametrize("sources", [("oura",), ("healthkit", "survey"), ("sensor",), ("garmin", "oura"), CORE])
def test_only_what_is_asked_for_is_written(tmp_path: Path, sources: tuple[str, ...]) -> None:
    made = write_sample(tmp_path, SampleOptions(users=12, weeks=2, seed=5, sources=sources))
    folders = {"garmin" if p.name == "daily" else p.name for p in (tmp_path / "raw").iterdir()}
    assert folders == {"garmin" if name == "garmin-core" else name for name in sources}
    assert made.people == (0 if sources == ("sensor",) else pytest.approx(12, abs=2))
