"""`qol export` and `qol erase`: what a lake holds on a person, taken along or removed."""

from __future__ import annotations

import csv
import io
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qol.cli.options import LakeOption, SchemasOption, open_existing
from qol.cli.show import say, table
from qol.contracts.wording import count
from qol.errors import UsageError
from qol.run.request import OPTIONS

if TYPE_CHECKING:
    from qol.contracts.model import Contracts
    from qol.people.erase import Certificate

UserOption = Annotated[
    str | None, typer.Option("--user", help="The user_id. Other users of this machine see it: prefer --file.")
]
VendorOption = Annotated[str | None, typer.Option("--vendor", help="An id of a source, such as garmin:<id>.")]
FileOption = Annotated[
    str | None,
    typer.Option("--file", help='Ids, one per line, {"user": …} or {"vendor": …} too; `-` is standard input.'),
]
MapOption = Annotated[str | None, typer.Option("--user-map", metavar="FILE", help=OPTIONS["user_map"].help)]
KeyOption = Annotated[str | None, typer.Option("--key-secret", metavar="NAME", help=OPTIONS["key_secret"].help)]
ZoneOption = Annotated[str, typer.Option("--zone", help=OPTIONS["zone"].help)]


def export(
    user: UserOption = None,
    vendor: VendorOption = None,
    file: FileOption = None,
    out: Annotated[Path, typer.Option("--out", help="The zip to write.")] = Path("export.zip"),
    lake: LakeOption = None,
    user_map: MapOption = None,
    key_secret: KeyOption = None,
    zone: ZoneOption = "Asia/Tokyo",
    schemas: SchemasOption = None,
) -> None:
    """Write all that the lake holds on one person to a zip: raw lines, records, daily and weekly rows, the data dictionary."""
    from qol.contracts.load import load_contracts
    from qol.people.export import export_person, write_zip
    from qol.people.person import open_people

    contracts, opened, exports = load_contracts(schemas), open_existing(lake), {}
    people = open_people(opened, contracts, user_map, key_secret)
    dictionary = _dictionary(contracts)
    for named in _named(user, vendor, file):
        person = people.person(named)
        found = export_person(opened, people, person, zone, dictionary)
        if not (found.raw or found.rows):
            raise UsageError(
                "the lake holds nothing on one of the ids; allowed: a user_id of its tables, or a vendor id"
            )
        exports[person.user_ids[0]] = found
    try:
        with out.open("wb") as target:
            write_zip(target, exports)
    except OSError as err:
        raise UsageError(f"--out {out}: cannot be written ({err.strerror}); allowed: a new file") from None
    raw, rows = (sum(getattr(one, name) for one in exports.values()) for name in ("raw", "rows"))
    say(f"Wrote {out}: {count(raw, 'raw line')} and {count(rows, 'row')} of {count(len(exports), 'user')}.")
    say("It identifies people: encrypt it before it leaves this machine, and delete it afterwards.")


def erase(
    user: UserOption = None,
    vendor: VendorOption = None,
    file: FileOption = None,
    lake: LakeOption = None,
    user_map: MapOption = None,
    key_secret: KeyOption = None,
    zone: ZoneOption = "Asia/Tokyo",
    tokens: Annotated[
        str | None,
        typer.Option("--tokens", metavar="FILE", envvar=OPTIONS["tokens"].variable, help=OPTIONS["tokens"].help),
    ] = None,
    asked_by: Annotated[str, typer.Option("--asked-by", help="Who asked, as a role, such as participant.")] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what the lake has of the person, write nothing.")
    ] = False,
    verify: Annotated[
        bool, typer.Option("--verify", help="Search every layer; exit 1 when something is found.")
    ] = False,
    lift: Annotated[
        bool, typer.Option("--lift", help="Let an erased person's data in again, after new consent.")
    ] = False,
    kms_key: Annotated[str | None, typer.Option("--kms-key", help=OPTIONS["kms_key"].help)] = None,
    database: Annotated[str | None, typer.Option("--database", help=OPTIONS["database"].help)] = None,
    schemas: SchemasOption = None,
) -> None:
    """Remove a person from every layer of the lake, and keep later data out; repeat the command when it was interrupted."""
    from qol.collect.tokens import open_tokens
    from qol.contracts.load import load_contracts
    from qol.people.erase import Erasure
    from qol.people.erasure_requests import UnknownUserError
    from qol.people.person import open_people

    if dry_run + verify + lift > 1:
        raise UsageError("--dry-run, --verify, --lift: more than one given; allowed: one of them")
    contracts, opened = load_contracts(schemas), open_existing(lake, kms_key=kms_key, database=database)
    if tokens is not None:
        open_tokens(tokens, "")  # an error of the file comes before anything is removed
    people = open_people(opened, contracts, user_map, key_secret)
    persons = [people.person(named) for named in _named(user, vendor, file)]  # all, before anything is removed
    is_clean, unknown = True, dict[int, str]()
    for number, person in enumerate(persons, 1):
        erasure = Erasure(opened, people, person, zone, datetime.now(UTC), user_map, asked_by, tokens=tokens)
        if lift:
            say(f"Erasure {erasure.lift().id} is lifted: what arrives from now on is kept.")
            continue
        try:
            found = erasure.find() if dry_run or verify else erasure.run()
        except UnknownUserError as err:
            unknown[number] = str(err)
            continue
        is_clean &= found.is_clean or dry_run
        _certify(f"Person {number}", found, acted=not (dry_run or verify))
    if unknown:
        raise UsageError(f"person {', '.join(map(str, unknown))}: {next(iter(unknown.values()))}")
    if not is_clean:
        raise typer.Exit(1)


def _certify(who: str, found: Certificate, *, acted: bool) -> None:
    """Print a certificate: what was removed by layer, and what the last search found."""
    removed = {layer: number for layer, number in found.removed.items() if number}
    if acted:
        table(f"{who}: removed", ("layer", "number"), sorted(removed.items()))
    left = {layer: number for layer, number in found.remaining.items() if number}
    if left:
        table(f"{who}: found", ("layer", "number"), sorted(left.items()))
    else:
        say(f"{who}: nothing found in {count(len(found.remaining), 'layer')}.")
    stone = found.tombstone
    if acted:
        say(f"Tombstone  {stone.key}, finished {stone.finished or 'not yet: repeat the command'}")
        table("May remain outside the lake", ("place", "how long"), stone.outside.items())
    elif stone.finished is None:
        say(f"{who}: no erasure has ended here; check the id when you expected one.")
    else:
        say(f"Tombstone  {stone.key}, finished {stone.finished}{', lifted ' + stone.lifted if stone.lifted else ''}")


def _named(user: str | None, vendor: str | None, file: str | None) -> list[str]:
    """The ids that a command is given in one of three ways."""
    from qol.people.person import read_ids

    if sum(given is not None for given in (user, vendor, file)) != 1:
        raise UsageError("no id; allowed: one of --user ID, --vendor SOURCE:ID, --file FILE, --file - (standard input)")
    if file is None:
        return [str(user if vendor is None else vendor)]
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        raise UsageError(f"--file {file}: cannot be read; allowed: a text file with ids, or -") from None
    return read_ids(f"--file {file}", text)


def _dictionary(contracts: Contracts) -> bytes:
    """The data dictionary of every table, as `qol contracts show --format csv` writes it."""
    from qol.cli.dictionary_rows import DictionaryRow, found_rows

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(DictionaryRow._fields)
    writer.writerows(found_rows(contracts, ()))
    return text.getvalue().encode()
