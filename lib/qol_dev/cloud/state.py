"""What a local cloud consists of, written down in its folder: servers, names, where things are."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from qol.errors import UsageError
from qol_dev.cloud.processes import Server

FOLDER = ".cloud"
STATE = "state.json"
REGION = "ap-northeast-1"
PROJECT = Path(__file__).resolve().parents[3]
#: The simulated AWS checks no credentials, but its clients refuse to work without any.
KEYS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}  # nosec
#: Settings of a person's own AWS that must not leak into the local one.
_AWS_PROFILE_VARIABLES = (
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_SESSION_TOKEN",
    "AWS_CONFIG_FILE",
    "AWS_SHARED_CREDENTIALS_FILE",
)


@dataclass(frozen=True)
class Cloud:
    """A local cloud in a folder. `names` is what Terraform's outputs say; empty before it was applied."""

    folder: Path
    servers: tuple[Server, ...] = ()
    names: Mapping[str, Any] = field(default_factory=dict)

    @property
    def lake(self) -> str:
        """The lake's address."""
        return f"s3://{self.names['bucket']}"

    @property
    def database(self) -> str:
        """The catalog's database."""
        return str(self.names["database"])

    def server(self, name: str) -> Server:
        """A server by its name; UsageError when it does not run."""
        for server in self.servers:
            if server.name == name and server.is_running:
                return server
        raise UsageError(f"{name}: not running in {self.folder}; allowed: a cloud that is up (`qol cloud up`)")

    def with_server(self, server: Server) -> Cloud:
        """The cloud with one more server, written down."""
        others = tuple(known for known in self.servers if known.name != server.name)
        return self._saved(replace(self, servers=(*others, server)))

    def with_names(self, names: Mapping[str, Any]) -> Cloud:
        """The cloud with what was deployed, written down."""
        return self._saved(replace(self, names=names))

    def _saved(self, cloud: Cloud) -> Cloud:
        self.folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"servers": [asdict(s) for s in cloud.servers], "names": cloud.names}, indent=2)
        partial = self.folder / f"{STATE}.partial"
        partial.write_text(text + "\n", encoding="utf-8")
        os.replace(partial, self.folder / STATE)
        return cloud


def load_cloud(folder: Path) -> Cloud:
    """The cloud in a folder as it was last written down; one without servers where nothing was."""
    file = folder / STATE
    if not file.is_file():
        return Cloud(folder)
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        return Cloud(folder, tuple(Server(**server) for server in found["servers"]), found["names"])
    except (ValueError, KeyError, TypeError):
        raise UsageError(f"{file}: not readable; allowed: what `qol cloud up` wrote") from None


def cloud_environment(cloud: Cloud) -> dict[str, str]:
    """Variables that lead every AWS client to the local cloud and away from any real one."""
    moto = cloud.server("moto")
    return {
        **KEYS,
        "AWS_ENDPOINT_URL": moto.url,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": "127.0.0.1,localhost",
    }


def process_environment(cloud: Cloud, **more: str) -> dict[str, str]:
    """The environment of a process that works on the local cloud."""
    mine = {name: value for name, value in os.environ.items() if name not in _AWS_PROFILE_VARIABLES}
    return {**mine, **cloud_environment(cloud), **more}


def client(cloud: Cloud, service: str) -> Any:
    """A client of the local cloud."""
    import boto3

    return boto3.session.Session(KEYS["AWS_ACCESS_KEY_ID"], KEYS["AWS_SECRET_ACCESS_KEY"], region_name=REGION).client(
        service, endpoint_url=cloud.server("moto").url
    )
