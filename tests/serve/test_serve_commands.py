"""`qol keys` and `qol serve` on the command line, and the page that is made of the API's description."""

import sys
from pathlib import Path

import jwt
import pytest

from qol.serve.api import bare_app
from qol.serve.reference import reference
from tests.command_line import Qol

DOCS = Path(__file__).parents[2] / "docs"


def test_a_token_is_alone_on_standard_output_and_names_its_person(qol: Qol, published: Path) -> None:
    printed = qol("keys", "token", "--lake", published, "--user", "P-anna")
    assert printed.out.count("\n") == 1
    assert jwt.decode(printed.out.strip(), options={"verify_signature": False})["sub"] == "P-anna"


def test_a_key_is_shown_once_listed_by_its_start_and_revoked(qol: Qol, published: Path) -> None:
    key = qol("keys", "new", "--lake", published, "--scopes", "feeds:read,devices:write", "--name", "page").out.strip()
    listed = qol("keys", "list", "--lake", published).out
    assert key[:12] in listed
    assert key not in listed
    assert qol("keys", "revoke", "--lake", published, key[:12]).code == 0
    assert key[:12] not in qol("keys", "list", "--lake", published).out
    assert qol("keys", "revoke", "--lake", published, key[:12]).code == 2
    assert qol("keys", "new", "--lake", published, "--scopes", "me:read").code == 2


def test_without_the_extra_the_command_says_what_to_install(
    qol: Qol, published: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    monkeypatch.delitem(sys.modules, "qol.serve.listen", raising=False)
    ended = qol("serve", "--lake", published)
    assert ended.code == 2
    assert "uvicorn is not installed; in the clone, run pip install '.[serve]'" in ended.err


def test_a_server_that_others_could_reach_does_not_start_with_the_local_key(qol: Qol, published: Path) -> None:
    ended = qol("serve", "--lake", published, "--host", "0.0.0.0", "--port", "0")
    assert ended.code == 2
    assert "QOL_OIDC_ISSUER" in ended.err


def test_the_reference_is_that_of_the_routes_as_they_are() -> None:
    assert (DOCS / "api-reference.md").read_text() == reference(bare_app().openapi()), "run make docs"
