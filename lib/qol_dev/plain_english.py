"""`python -m qol_dev.plain_english`: documents have short sentences, under 20 words on average, one in ten above 25."""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

MAX_AVERAGE = 20
LONG = 25
#: One sentence in so many may be long.
LONG_SHARE = 10
PAGES = ("*.md", "docs/*.md", "docs/adr/*.md")
#: A list of changes, and Japanese, which writes no spaces between words.
SKIPPED = ("CHANGELOG.md", "README.ja.md")

_END = re.compile(r"""(?<!e\.g)[.?!][)"'”]*[ \n]+""")
_IS_SENTENCE = re.compile(r"""[.?!:][)"'”]*$""")
_WORD = re.compile(r"[^ \n]*\w[^ \n]*")


@dataclass(frozen=True)
class Sentence:
    """A sentence of a page, its first line and its number of words."""

    line: int
    text: str
    words: int


def sentences(markdown: str) -> list[Sentence]:
    """The sentences of a page, in order. Headings and code blocks have none; a code span is one word.

    What does not end as a sentence does, such as a cell or an item of a list, counts only when it is long.
    """
    tokens = MarkdownIt("commonmark").enable("table").parse(markdown)
    texts = [token for before, token in pairwise(tokens) if before.type != "heading_open"]
    found = [sentence for token in texts if token.type == "inline" for sentence in _split(token)]
    return [sentence for sentence in found if sentence.words > LONG or _IS_SENTENCE.search(sentence.text)]


def _split(inline: Token) -> Iterator[Sentence]:
    text = "".join(_text(part) for part in inline.children or ())
    first = inline.map[0] + 1 if inline.map else 1
    ends = [match.end() for match in _END.finditer(text)]
    for start, end in pairwise([0, *ends, len(text)]):
        if part := " ".join(text[start:end].split("\n")).strip(" "):
            yield Sentence(first + text.count("\n", 0, start), part, len(_WORD.findall(part)))


def _text(part: Token) -> str:
    """What a reader sees: a code span as one word, a link as its text."""
    if part.type == "code_inline":
        return "`" + re.sub(r"\s", "\N{NO-BREAK SPACE}", part.content) + "`"
    return "\n" if part.type == "softbreak" else part.content


def faults(name: str, markdown: str) -> list[str]:
    """The sentences that make a page hard to read, and by how much; nothing for a page that is plain."""
    found = sentences(markdown)
    average = sum(sentence.words for sentence in found) / max(len(found), 1)
    long = [sentence for sentence in found if sentence.words > LONG]
    if average < MAX_AVERAGE and len(long) * LONG_SHARE <= len(found):
        return []
    listed = [f"{name}:{sentence.line}: {sentence.words} words: {sentence.text}" for sentence in long]
    total = f"{name}: {len(found)} sentences of {average:.1f} words on average, {len(long)} above {LONG} words"
    return [*listed, f"{total}; allowed: under {MAX_AVERAGE} on average, one in {LONG_SHARE} above {LONG}"]


def main(root: Path) -> int:
    """Print the faults of every page below a checkout's root; 1 if there are any, else 0."""
    pages = sorted(page for pattern in PAGES for page in root.glob(pattern) if page.name not in SKIPPED)
    found = [fault for page in pages for fault in faults(str(page.relative_to(root)), page.read_text(encoding="utf-8"))]
    for fault in found:
        print(fault)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(Path()))
