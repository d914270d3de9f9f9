from pathlib import Path

import pytest

from qol_dev.plain_english import Sentence, faults, main, sentences

SHORT = "Four words are short. "
LONG = "Long " + "word " * 25 + "ends. "


def test_sentences_are_what_a_reader_reads_with_their_lines() -> None:
    page = """# A heading. Of two.

Give it a [link with words](page.md), e.g. `qol run --lake x. Y`, in
version 5.1. The next one
ends (here.) "Really?" Yes: so
it is.

| head. | cell |
|---|---|
| no sentence | One. And two. |

- an item
```
Code. Has none.
```
"""
    assert sentences(page) == [
        Sentence(3, "Give it a link with words, e.g. `qol\xa0run\xa0--lake\xa0x.\xa0Y`, in version 5.1.", 11),
        Sentence(4, "The next one ends (here.)", 5),
        Sentence(5, '"Really?"', 1),
        Sentence(5, "Yes: so it is.", 4),
        Sentence(8, "head.", 1),
        Sentence(10, "One.", 1),
        Sentence(10, "And two.", 2),
    ]


@pytest.mark.parametrize(
    ("page", "reported"),
    [
        (SHORT * 9 + LONG, []),
        (
            SHORT * 8 + LONG,
            [
                f"p.md:1: 27 words: {LONG.strip()}",
                "p.md: 9 sentences of 6.6 words on average, 1 above 25 words; allowed: under 20 on average, one in 10 above 25",
            ],
        ),
        ("- " + "word " * 26, ["p.md:1: 26 words: " + ("word " * 26).strip()]),
        (
            "One " + "word " * 18 + "ends.",
            ["p.md: 1 sentences of 20.0 words on average, 0 above 25 words; allowed: under 20 on average, one in 10 above 25"],
        ),
    ],
    ids=["one in ten", "one in nine", "a long item", "all of twenty words"],
)  # fmt: skip
def test_a_page_may_have_one_long_sentence_in_ten_and_under_twenty_words_on_average(
    page: str, reported: list[str]
) -> None:
    assert faults("p.md", page)[: len(reported)] == reported
    assert bool(faults("p.md", page)) == bool(reported)


def test_the_command_prints_the_faults_of_the_documents(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, text in {
        "README.md": SHORT,
        "docs/README.ja.md": LONG,
        "CHANGELOG.md": LONG,
        "docs/adr/1.md": LONG,
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert main(tmp_path) == 1
    assert [line.partition(":")[0] for line in capsys.readouterr().out.splitlines()] == ["docs/adr/1.md"] * 2
