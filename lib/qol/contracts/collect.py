"""How a source that must be asked is asked: `collect` of its rules, overridden word by word in `collect` of its records."""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, TypeVar

from annotated_types import Ge, Interval
from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, StringConstraints, Tag

from qol.contracts import language as lang
from qol.contracts.language import Each, Flag, Maybe, Mistake, Model, RawPath, Text, Whole

M = TypeVar("M", bound=Model)

Url = Annotated[str, StringConstraints(pattern=r"^https://[A-Za-z0-9.-]+(:\d+)?(/[^\s?#]*)?$")]
Endpoint = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*$")]
Status = Annotated[Whole, Interval(ge=100, le=599)]
#: What a parameter is sent as; a number may stand for itself.
Sent = Annotated[
    str,
    BeforeValidator(
        lambda value: str(value) if type(value) in (int, float) else value, json_schema_input_type=str | float
    ),
]
AuthKind = Literal["bearer", "api_key", "oauth2", "key_exchange", "none"]
PageKind = Literal["next_token", "cursor", "page", "link", "none"]
Written = Literal["date", "instant", "seconds", "none"]


#: Words that a way of paging needs.
_NEEDED: Mapping[str, tuple[str, ...]] = {
    "next_token": ("next", "parameter"),
    "cursor": ("items", "next", "parameter"),
    "page": ("items", "parameter"),
}


def _pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error:
        raise lang.refusal(r"a regular expression, such as 'not authorized access (\w+) scope'") from None
    return text


class WhoAmI(Model):
    """Where the vendor says whose a new token is, for `qol collect login`."""

    path: Maybe[Endpoint] = None
    """Endpoint below the base that is asked; without it the answer of token_url says it."""
    id: RawPath
    """Dotted place of the vendor's person id in the answer."""


class CollectAuth(Model):
    """How a request shows that it may ask."""

    kind: Maybe[AuthKind] = None
    """bearer: a token as it is. oauth2: a token that is refreshed. api_key: a key as it is. key_exchange: a key that token_url exchanges for a token. none: nothing."""
    header: Text = "Authorization"
    """Header that carries the token or key."""
    scheme: str = "Bearer"
    """What stands before the token in the header; empty for nothing."""
    key_scheme: str = "ApiKey"
    """With key_exchange: what stands before the key in the same header of the request to token_url."""
    token_url: Maybe[Url] = None
    """Where tokens are refreshed or exchanged; the environment variable QOL_<SOURCE>_TOKEN_URL replaces it."""
    authorize_url: Maybe[Url] = None
    """Page on which a person agrees, for `qol collect login`."""
    scopes: Each[Text] = ()
    """Scopes to ask for; all of them, since a missing one is only found when its endpoint refuses."""
    form: Mapping[str, Sent] = Field(default_factory=dict)
    """Further fields of every request to token_url."""
    answer: Maybe[RawPath] = None
    """Dotted place in the answer of token_url that holds the tokens; by default its top."""
    who: Maybe[WhoAmI] = None
    rotates: Flag = False
    """A refresh token is good for one use, and each answer brings the next."""


class Paging(Model):
    """How an answer is divided into pages, and how the next one is asked for."""

    by: Maybe[PageKind] = None
    """next_token: the answer has what the next request sends. cursor: its last document has it. page: pages are numbered. link: the answer has the next page's address. none: there is one page."""
    items: Maybe[RawPath] = None
    """Dotted place of the list of documents; an answer without a list there is refused. Without it the answer itself is a list or one document."""
    next: Maybe[RawPath] = None
    """Dotted place of the token, cursor (within the document) or address; for link without it, the header Link."""
    parameter: Maybe[Text] = None
    """Parameter that carries the token, cursor or number of the page."""
    more: Maybe[RawPath] = None
    """Dotted place of a value that is false, 0 or absent on the last page."""
    first: Annotated[Whole, Ge(0)] = 1
    """Number of the first page."""


class CollectWindow(Model):
    """Which days a request asks for."""

    written: Maybe[Written] = Field(default=None, validation_alias="as")
    """date: YYYY-MM-DD. instant: ISO 8601 in UTC. seconds: Unix time. none: the endpoint takes no days."""
    start: Maybe[Text] = Field(default=None, validation_alias="from")
    """Parameter with the first day."""
    end: Maybe[Text] = Field(default=None, validation_alias="to")
    """Parameter with the last day."""
    days: Annotated[Whole, Ge(1)] = 30
    """Most days one request may span."""
    widen_days: Annotated[Whole, Interval(ge=0, le=30)] = 0
    """Days asked for beyond both ends, as vendors differ in whether the last day is included and in whose midnight it ends."""
    again_days: Annotated[Whole, Interval(ge=0, le=366)] = 0
    """Days before the last collected one that every run asks for again, as documents change afterwards."""
    first_days: Annotated[Whole, Ge(1)] = 30
    """Days that the first run of a user asks for, unless `--from` says more."""


class Rate(Model):
    """What the vendor allows one application."""

    requests: Maybe[Annotated[Whole, Ge(1)]] = None
    """Requests within `seconds`; without it only the vendor's own refusals slow a run down."""
    seconds: Annotated[Whole, Ge(1)] = 60
    """Length of the span that `requests` are counted in."""
    at_once: Annotated[Whole, Interval(ge=1, le=32)] = 4
    """Requests that are open at the same time."""


class Refusals(Model):
    """What refusals of the vendor mean that no retry mends."""

    membership: Maybe[Status] = None
    """HTTP status that means the person's membership or consent has ended; the person is left alone for 12 hours."""
    scope: Maybe[Annotated[str, AfterValidator(_pattern)]] = None
    """Regular expression found in the body of a 401 that a new token cannot mend; its first group is the missing scope."""
    absent: Each[Status] = ()
    """HTTP statuses that mean the endpoint does not exist for the person; nothing is collected, and that is no failure."""
    status: Maybe[RawPath] = None
    """Dotted place in an answer of HTTP status 200 of the vendor's own status, which is 0 where all is well."""
    status_as: Mapping[Annotated[str, StringConstraints(pattern=r"^-?\d+$")], Status] = Field(default_factory=dict)
    """HTTP status that each status of the vendor stands for; one that is not named here stands for itself from 400 to 599, else for 500."""


class Collect(Model):
    """How a record type is asked for. Words of a record replace those of the source's rules one by one; what neither says has its default."""

    base: Maybe[Url] = None
    """Address that all endpoints stand below; the environment variable QOL_<SOURCE>_BASE replaces it."""
    sandbox: Maybe[Url] = None
    """Address of the vendor's sandbox, for `--sandbox`."""
    path: Maybe[Endpoint] = None
    """Endpoint below the base; by default the record's name."""
    method: Maybe[Literal["GET", "POST"]] = None
    """POST sends the parameters as a form; GET, the default, in the query."""
    auth: CollectAuth = CollectAuth()
    page: Paging = Paging()
    window: CollectWindow = CollectWindow()
    person: Maybe[Text] = None
    """Key that is appended to every page with the vendor's person id, where documents do not name their person; one of `inherit`."""
    query: Mapping[str, Sent] = Field(default_factory=dict)
    """Further parameters of every request."""
    rate: Rate = Rate()
    refused: Refusals = Refusals()


#: `collect` of a record: its own words, or false where the record is never asked for.
RecordCollect = Annotated[
    Annotated[Literal[False], Tag(lang.UNION_TAGS[0])] | Annotated[Collect, Tag(lang.UNION_TAGS[1])],
    Discriminator(lambda value: lang.UNION_TAGS[isinstance(value, dict | Collect)]),
]


def merged(rules: M, record: M) -> M:
    """The words of `rules`, those that `record` says in their place; mappings of words word by word."""
    said: dict[str, Any] = {}
    for name in record.model_fields_set:
        own, other = getattr(record, name), getattr(rules, name)
        said[name] = merged(other, own) if isinstance(own, Model) and isinstance(other, Model) else own
    # `model_copy` adds to the words that were said; of a default that is a mapping, the given one alone is said.
    return rules.model_copy(update=said)


def collect_mistakes(collect: Collect, person: tuple[str, ...], inherit: frozenset[str]) -> Iterator[Mistake]:
    """What is missing or does not fit in the words of a record and its source together."""
    if collect.base is None:
        yield Mistake("base", "nothing", "required: address that all endpoints stand below")
    yield from _auth(collect.auth)
    yield from _page(collect.page)
    yield from _window(collect.window)
    if collect.person is not None and (collect.person,) != person:
        yield Mistake("person", collect.person, f"the contract's own person: {'.'.join(person)}")
    elif collect.person is not None and collect.person not in inherit:
        yield Mistake("person", collect.person, "one of `inherit`, or records would not have it")


def _auth(auth: CollectAuth) -> Iterator[Mistake]:
    if auth.kind is None:
        yield Mistake("auth.kind", "nothing", "required: bearer, api_key, oauth2, key_exchange or none")
    if auth.kind in ("oauth2", "key_exchange") and auth.token_url is None:
        yield Mistake("auth.token_url", "nothing", f"with {auth.kind}: where tokens come from")
    if auth.authorize_url is not None and auth.who is None:
        yield Mistake("auth.who", "nothing", "with authorize_url: where the vendor says whose a token is")


def _page(page: Paging) -> Iterator[Mistake]:
    for word in _NEEDED.get(page.by or "none", ()):
        if getattr(page, word) is None:
            yield Mistake(f"page.{word}", "nothing", f"required with by: {page.by}")
    if page.by is None and (page.next is not None or page.parameter is not None):
        yield Mistake("page.by", "nothing", "required with next or parameter: next_token, cursor, page or link")


def _window(window: CollectWindow) -> Iterator[Mistake]:
    parameters = {"from": window.start, "to": window.end}
    if window.written is None and any(parameters.values()):
        yield Mistake("window.as", "nothing", "with from or to: date, instant, seconds or none")
    for word, value in parameters.items():
        if window.written not in (None, "none") and value is None:
            yield Mistake(f"window.{word}", "nothing", f"with as: {window.written}, the parameter's name")
