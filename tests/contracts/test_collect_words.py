"""`collect:` of a source and of its records: what a wrong word is told, and what both say together."""

from pathlib import Path

import pytest

from qol.contracts.load import load_contracts
from tests.contracts.conftest import Edit, problems

pytestmark = pytest.mark.usefixtures("all_sources")
RULES, HEART = "sources/oura/_rules.yaml", "sources/oura/heartrate.yaml"
PAGE = "page: {by: next_token, items: data, next: next_token, parameter: next_token}"
WINDOW = "collect: {window: {as: instant, from: start_datetime, to: end_datetime, days: 7}}"


@pytest.mark.parametrize(
    ("file", "old", "new", "problem"),
    [
        (RULES, "base: https://api.ouraring.com/v2/usercollection", "base: http://api.ouraring.com", 'collect.base: found "http://api.ouraring.com"; allowed: pattern '),
        (RULES, "  base: https://api.ouraring.com/v2/usercollection\n", "", "collect.base: found nothing; allowed: required: address that all endpoints stand below"),
        (RULES, "kind: oauth2", "kind: oauth", "collect.auth.kind: found \"oauth\"; allowed: 'bearer', 'api_key', 'oauth2', 'key_exchange' or 'none'"),
        (RULES, "    kind: oauth2\n", "", "collect.auth.kind: found nothing; allowed: required: bearer, api_key, oauth2, key_exchange or none"),
        (RULES, "    token_url: https://api.ouraring.com/oauth/token\n", "", "collect.auth.token_url: found nothing; allowed: with oauth2: where tokens come from"),
        (RULES, "    who: {path: personal_info, id: id}\n", "", "collect.auth.who: found nothing; allowed: with authorize_url: where the vendor says whose a token is"),
        (RULES, PAGE, PAGE.replace(", parameter: next_token", ""), "collect.page.parameter: found nothing; allowed: required with by: next_token"),
        (RULES, PAGE, PAGE.replace("by: next_token, ", ""), "collect.page.by: found nothing; allowed: required with next or parameter: next_token, cursor, page or link"),
        (RULES, PAGE, "page: {by: page, parameter: page}", "collect.page.items: found nothing; allowed: required with by: page"),
        (RULES, PAGE, "pages: {by: page}", "collect.pages: found an unknown key; allowed: "),
        (RULES, "person: user_id", "person: owner", "collect.person: found owner; allowed: the contract's own person: user_id"),
        (RULES, "inherit: [user_id]\n", "", "collect.person: found user_id; allowed: one of `inherit`, or records would not have it"),
        (RULES, "again_days: 7", "again_days: -1", "collect.window.again_days: found -1; allowed: greater than or equal to 0"),
        (RULES, "(\\w+) scope'", "(\\w+ scope'", "collect.refused.scope: found "),
        (HEART, WINDOW, WINDOW.replace("as: instant", "as: none"), None),
        (HEART, WINDOW, WINDOW.replace("as: instant", "as: day"), "collect.window.as: found \"day\"; allowed: 'date', 'instant', 'seconds' or 'none'"),
        (HEART, WINDOW, "collect: true", "collect: found true; allowed: False"),
        (HEART, WINDOW, "collect: {path: /heartrate}", 'collect.path: found "/heartrate"; allowed: pattern '),
    ],
)  # fmt: skip
def test_a_wrong_word_is_told(schemas: Path, edit: Edit, file: str, old: str, new: str, problem: str | None) -> None:
    edit(file, old, new)
    if problem is None:
        assert load_contracts(schemas).collected["oura"]["heartrate"].window.written == "none"
    else:
        (told,) = problems(schemas)  # once, though it is wrong for every record of the source
        assert told.startswith(f"{file}: {problem}")


def test_a_record_says_only_what_differs_from_its_source(schemas: Path) -> None:
    oura = load_contracts(schemas).collected["oura"]

    heart, sleep = oura["heartrate"].window, oura["sleep"].window
    assert (heart.written, heart.start, heart.days, heart.widen_days, heart.again_days) == ("instant", "start_datetime", 7, 2, 7)  # fmt: skip
    assert (sleep.written, sleep.start, sleep.days) == ("date", "start_date", 30)
    assert (oura["vO2_max"].path, oura["tag"].refused.membership, oura["tag"].refused.absent) == ("vO2_max", 403, (404, 410))  # fmt: skip


def test_deletions_and_meals_are_never_asked_for(schemas: Path) -> None:
    assert sorted(load_contracts(schemas).collected["oura"]) == [
        "daily_activity", "daily_cardiovascular_age", "daily_readiness", "daily_resilience", "daily_sleep", "daily_spo2",
        "daily_stress", "enhanced_tag", "heartrate", "rest_mode_period", "ring_battery_level", "ring_configuration", "session", "sleep", "sleep_time", "tag", "vO2_max",
        "workout",
    ]  # fmt: skip
