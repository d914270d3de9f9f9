"""Classes of a vendor's texts by whole words, and closed lists of codes."""

import pickle

import pytest

from qol.contracts.code_words import WordClasses, bare
from tests.builders import CONTRACTS

DEVICES = CONTRACTS.by_name["healthkit_measurements"].by_name["device_class"].classes
STATUS = CONTRACTS.by_name["sensor_readings"].by_name["status"].classes


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Watch6,1", "WATCH"), ("Apple Watch Ultra", "WATCH"), ("com.apple.health.watch", "WATCH"), ("my_watch", "WATCH"),
        ("太郎のApple Watch", "WATCH"), ("\uff37\uff41tch", "WATCH"), ("Somebody's iPhone|Somebody's Apple\u00a0Watch", "WATCH"),
        ("iPhone15,2", "PHONE"), ("太郎のiPhone", "PHONE"), ("Smartphone", "PHONE"), ("Oura Ring 4", "RING"), ("Body+", "SCALE"),
        ("iWatcher", None), ("Earphones", None), ("Telephone", None), ("String", None), ("Spring", None), ("monitoring", None),
        ("Zepp Life", None), ("", None),
    ],
)  # fmt: skip
def test_a_device_is_known_by_a_whole_word_of_its_name(text: str, found: str | None) -> None:
    assert DEVICES.class_of(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("OK", "OK"), ("online", "OK"), ("connected", "OK"), ("normal", "OK"), ("turned on", "OK"), ("LOW_BATTERY", "OK"),
        ("no errors", "OK"), ("0", "OK"), ("0.0", "OK"), ("正常", "OK"), ("True", "OK"),
        ("not ok", "ERROR"), ("not_ok", "ERROR"), ("No response", "ERROR"), ("no longer active", "ERROR"), ("unresponsive", "ERROR"),
        ("broken", "ERROR"), ("abnormal", "ERROR"), ("TIMEOUT", "ERROR"), ("CHECKSUM", "ERROR"), ("-1", "ERROR"), ("-5", "ERROR"),
        ("error: no connection", "ERROR"), ("通信エラー", "ERROR"),
        ("no connection", "OFFLINE"), ("DISCONNECTED", "OFFLINE"), ("communication lost", "OFFLINE"), ("offline", "OFFLINE"), ("inactive", "OFFLINE"),
        ("backup", None), ("default", None), ("idle", None), ("token", None), ("非正常", None), ("-6", None), ("10", None), ("E0", None), ("0x80", None),
    ],
)  # fmt: skip
def test_a_status_is_known_by_its_whole_words(text: str, found: str | None) -> None:
    assert STATUS.class_of(text) == found


def test_of_two_words_at_one_place_the_longer_counts_and_of_two_places_the_first_class() -> None:
    classes = WordClasses({"GOOD": ("ok",), "BAD": ("not ok", "lost")})
    assert [classes.class_of(text) for text in ("Not OK", "ok, then lost")] == ["BAD", "GOOD"]


def test_classes_travel_to_workers() -> None:
    assert pickle.loads(pickle.dumps(STATUS)).class_of("ok") == "OK"


@pytest.mark.parametrize("text", ["Outdoor Walk", "OUTDOOR_WALK", "outdoorWalk", " outdoor-walk "])
def test_spellings_of_one_code_differ_in_nothing_bare(text: str) -> None:
    assert bare(text) == "outdoorwalk"
