"""`qol serve` and `qol keys`: the API on this machine, and its tokens and keys."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Annotated

import typer

from qol.cli.options import LakeOption, SchemasOption, open_existing
from qol.cli.show import say, table
from qol.errors import UsageError, optional_imports
from qol.run.request import OPTIONS, parse_now

if TYPE_CHECKING:
    from qol.state import State

keys_app = typer.Typer(
    no_args_is_help=True, help="Make tokens of participants and keys of servers for `qol serve`; list and revoke keys."
)
StateOption = Annotated[
    str | None,
    typer.Option(
        "--state",
        envvar="QOL_STATE",
        help="Where the API keeps its state; by default SQLite in the lake.",
        metavar="URL",
    ),
]
_EXTRA = frozenset(
    {
        "fastapi",
        "fastapi_offline",
        "starlette",
        "uvicorn",
        "jwt",
        "cryptography",
        "limits",
        "sqlalchemy",
        "openfeature",
        "standardwebhooks",
    }
)


def serve_imports() -> AbstractContextManager[None]:
    """Imports of the API; UsageError that says what to install when its libraries are missing."""
    return optional_imports("qol serve", "serve", _EXTRA)


def serve(
    lake: LakeOption = None,
    port: Annotated[int, typer.Option("--port", help="Port; 0 takes a free one.", min=0, max=65_535)] = 8000,
    host: Annotated[str, typer.Option("--host", help="Address to listen on.")] = "127.0.0.1",
    now: Annotated[str | None, typer.Option("--now", help=OPTIONS["now"].help)] = None,
    user_map: Annotated[
        str | None, typer.Option("--user-map", metavar="FILE", envvar="QOL_USER_MAP", help=OPTIONS["user_map"].help)
    ] = None,
    state: StateOption = None,
    zone: Annotated[str, typer.Option("--zone", envvar="QOL_ZONE", help=OPTIONS["zone"].help)] = "Asia/Tokyo",
    key_secret: Annotated[
        str | None,
        typer.Option("--key-secret", metavar="NAME", envvar="QOL_KEY_SECRET", help=OPTIONS["key_secret"].help),
    ] = None,
    schemas: SchemasOption = None,
) -> None:
    """Serve the HTTP API of a lake to apps, devices and dashboards, until it is stopped."""
    with serve_imports():
        from qol.serve.listen import listen
        from qol.serve.serve_options import ServeOptions, from_environment

        OPTIONS["zone"].parse("--zone", zone)
        opened = open_existing(lake)
        options = ServeOptions(
            lake=opened.uri, state=state, user_map=user_map, host=host, zone=zone, key_secret=key_secret, schemas=schemas,
            now=None if now is None else parse_now("--now", now), **from_environment(),
        )  # fmt: skip
        listen(options, port, say)


@keys_app.command("token")
def token(
    user: Annotated[
        str, typer.Option("--user", help="The participant: a user_id of the map, or an id of source healthkit.")
    ],
    lake: LakeOption = None,
) -> None:
    """Print a participant's token for the API on this machine, and nothing else; it is valid for 30 days."""
    with serve_imports():
        from qol.lake import LocalLake
        from qol.serve.access_tokens import local_key, local_token

    opened = open_existing(lake)
    if not isinstance(opened, LocalLake):
        raise UsageError("--lake: in a bucket; allowed: a folder, as other tokens come from the OpenID Connect issuer")
    with serve_imports():
        print(local_token(local_key(opened.root), user))


@keys_app.command("new")
def new(
    scopes: Annotated[
        str,
        typer.Option(
            "--scopes",
            help="What the key allows, separated by commas, such as devices:write,devices:read (docs/api.md).",
        ),
    ],
    name: Annotated[str, typer.Option("--name", help="What the key is for.")] = "",
    lake: LakeOption = None,
    state: StateOption = None,
) -> None:
    """Print a new API key, this once; only its hash is stored."""
    with serve_imports():
        from qol.serve.door import KEY_SCOPES, new_key

    wanted = tuple(dict.fromkeys(one.strip() for one in scopes.split(",") if one.strip()))
    if not wanted or not set(KEY_SCOPES).issuperset(wanted):
        raise UsageError(f"--scopes: not a list of scopes; allowed: {', '.join(KEY_SCOPES)}")
    print(new_key(_state(lake, state), wanted, name))


@keys_app.command("list")
def list_(lake: LakeOption = None, state: StateOption = None) -> None:
    """List the API keys: how each begins, what it allows and when it was made."""
    with serve_imports():
        from qol.serve.door import listed_keys

    rows = [
        (item.body["shown"], ", ".join(item.body["scopes"]), item.body["label"], item.body["created_at"])
        for item in listed_keys(_state(lake, state))
    ]
    table("API keys", ("begins with", "scopes", "name", "created"), rows)


@keys_app.command("revoke")
def revoke(
    key: Annotated[str, typer.Argument(help="How the key begins, as `qol keys list` shows it.")],
    lake: LakeOption = None,
    state: StateOption = None,
) -> None:
    """Revoke an API key, at once."""
    with serve_imports():
        from qol.serve.door import revoke_key

    if not revoke_key(_state(lake, state), key):
        raise UsageError(f"{key}: no key begins so; allowed: one that `qol keys list` shows")
    say(f"Revoked {key}…")


def _state(lake: str | None, state: str | None) -> State:
    with serve_imports():
        from qol.serve.service import state_of

        return state_of(open_existing(lake), state)
