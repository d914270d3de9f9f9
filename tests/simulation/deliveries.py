"""What people's devices send: records with a text that stands nowhere else, so that it can be looked for."""

import gzip
import json
from typing import NamedTuple

from tests.simulation.scenario import Step

#: 2026-11-09T00:00 in Tokyo, a Monday.
MONDAY_START = 1_794_150_000
DAY = 86_400


class Sent(NamedTuple):
    """The person who sent a record, and the record's text."""

    person: str
    text: str


class Delivery(NamedTuple):
    """An object that arrives."""

    key: str
    data: bytes
    sent: tuple[Sent, ...]


def deliveries_of(step: Step, arrival: str) -> list[Delivery]:
    """The objects of a step that delivers on a day."""
    sent = tuple(Sent(who, f"CANARY-{who}-{step.number}x{place}x") for place, (who, _, _) in enumerate(step.records))
    records = [_record(*given, one.text) for given, one in zip(step.records, sent, strict=True)]
    key = f"raw/daily/date={arrival}/d{step.number}.jsonl"
    lines = _lines(records)
    if step.form == "envelope":
        lines = _lines([{"dailies": records}])
    if step.form == "gzip":
        return [Delivery(f"{key}.gz", gzip.compress(lines, mtime=0), sent)]
    if step.form == "broken":
        return [_with_broken_line(key, lines, sent), _body(step, arrival)]
    if step.form == "twice":  # gathered objects are delivered at least once
        return [Delivery(key, lines, sent), Delivery(key.replace(".jsonl", "-again.jsonl"), lines, sent)]
    return [Delivery(key, lines, sent)]


def _record(person: str, day: int, steps: int, text: str) -> dict[str, object]:
    return {
        "userId": f"v-{person}",
        "calendarDate": f"2026-11-{9 + day:02d}",
        "startTimeInSeconds": MONDAY_START + day * DAY,
        "startTimeOffsetInSeconds": 32_400,
        "durationInSeconds": DAY,
        "steps": steps,
        "note": text,
    }


def _lines(records: list[dict[str, object]]) -> bytes:
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


def _with_broken_line(key: str, lines: bytes, sent: tuple[Sent, ...]) -> Delivery:
    broken = sent[0]._replace(text=f"{sent[0].text}broken")
    line = f'{{"userId": "v-{broken.person}", {broken.text}\n'
    return Delivery(key, lines + line.encode(), (*sent, broken))


def _body(step: Step, arrival: str) -> Delivery:
    person = step.records[0][0]
    sent = Sent(person, f"CANARY-{person}-{step.number}xbody")
    return Delivery(
        f"quarantine/bodies/date={arrival}/b{step.number}", f"v-{person} {sent.text} is no JSON".encode(), (sent,)
    )
