"""Words in the texts that vendors send where a contract has codes: of classes, and of closed lists."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from functools import cached_property, lru_cache
from typing import Annotated, Any

from pydantic import GetCoreSchemaHandler, StringConstraints
from pydantic_core import core_schema

from qol.contracts import language as lang

_ClassName = Annotated[str, StringConstraints(pattern="^[A-Z][A-Z0-9_]*$")]
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_BETWEEN = re.compile(r"[\s_-]+")
_BLANKS = re.compile(r"[\s_]+")
_UNLIKE = re.compile(r"[\W_]+")
#: Scripts that write no blank between words: a word in one of them touches no other of their letters, Latin ones it may.
_UNSPACED = "\u3005\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3"


class WordClasses(dict[str, tuple[str, ...]]):
    """Classes by the words that stand for them, in the order of the contract.

    A text is of the first class one of whose words stands in it as a whole word. Case and width of letters do not matter, and
    blanks within a word may be `_` or `-`. A letter next to a word makes it another word, a digit does not (`Watch6,1`); of
    two words at one place the longer counts. A word that is a number stands for a text that is that number.
    """

    @classmethod
    def __get_pydantic_core_schema__(cls, _: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        words = handler.generate_schema(lang.Filled[_ClassName, lang.Some[lang.Text]])
        return core_schema.no_info_after_validator_function(cls, words)

    def __reduce__(self) -> tuple[type, tuple[dict[str, tuple[str, ...]]]]:
        return WordClasses, (dict(self),)

    @cached_property
    def class_of(self) -> Callable[[str], str | None]:
        """The class of a text, or None; texts such as names of devices come again and again."""
        return lru_cache(maxsize=10_000)(self._class_of)

    def _class_of(self, text: str) -> str | None:
        plain = _folded(text)
        if _NUMBER.fullmatch(plain):
            return self._owners.get(float(plain))
        found = {self._owners[_BETWEEN.sub(" ", match[0])] for match in self._pattern.finditer(plain)}
        return next((name for name in self if name in found), None)

    def beginnings(self, text: str) -> list[str]:
        """Words with which a longer word of a text begins, as `err` begins `error`."""
        plain = _folded(text)
        folded = [_folded(word) for words in self.values() for word in words]
        return [
            w for w in folded if re.search(rf"(?<!{_neighbours(w[0])}){re.escape(w)}(?={_neighbours(w[-1])})", plain)
        ]

    @cached_property
    def _owners(self) -> Mapping[str | float, str]:
        words = [(name, _folded(word)) for name in reversed(self) for word in self[name]]
        return {float(word) if _NUMBER.fullmatch(word) else _BETWEEN.sub(" ", word): name for name, word in words}

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        words = sorted((word for word in self._owners if isinstance(word, str)), key=len, reverse=True)
        return re.compile("|".join(map(_whole_word, words)) or r"(?!)")


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold().strip()


def bare(text: str) -> str:
    """A text without all that spellings of one code differ in: case and everything but letters and digits."""
    return _UNLIKE.sub("", _folded(text))


def plain_code(code: str) -> str:
    """A code in lower case without `_` and blanks; a sign stays, so that -1 is not 1."""
    return _BLANKS.sub("", code.lower())


def _whole_word(word: str) -> str:
    inner = r"[\s_-]+".join(map(re.escape, _BETWEEN.split(word)))
    return f"(?<!{_neighbours(word[0])}){inner}(?!{_neighbours(word[-1])})"


def _neighbours(edge: str) -> str:
    """Characters that would go on a word that has this one at its edge."""
    if edge.isdigit():
        return "[0-9]"
    if re.match(f"[{_UNSPACED}]", edge):
        return f"[{_UNSPACED}]"
    return rf"[^\W\d_{_UNSPACED}]" if edge.isalpha() else "(?!)"
