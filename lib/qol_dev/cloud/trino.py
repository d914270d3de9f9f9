"""Trino, Athena's engine, on the catalog and the bucket of the local cloud."""

import importlib.util
import json
import os
import time
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qol.errors import QolError
from qol_dev.cloud.maven import trino_home
from qol_dev.cloud.processes import HOST, Server, free_port, start, wait_for
from qol_dev.cloud.state import KEYS, REGION, Cloud
from qol_dev.cloud.tools import MissingToolError, find_trino_java

#: The catalog's name in Athena.
CATALOG = "awsdatacatalog"
_READY_SECONDS = 180.0
_JVM = """\
-server
-Xmx1G
-XX:+ExitOnOutOfMemoryError
-Djdk.attach.allowAttachSelf=true
--enable-native-access=ALL-UNNAMED
"""


@dataclass(frozen=True)
class Answer:
    """What a query gave: names of the columns, and the rows as Python values."""

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]


def start_trino(cloud: Cloud) -> Server:
    """A running Trino that looks at the cloud. MissingToolError when its Java, Maven or the client is not there."""
    if importlib.util.find_spec("trino") is None:
        raise MissingToolError("trino: the client is not installed; install the project with its `dev` extra")
    java, home = find_trino_java(), trino_home()
    port = free_port()
    settings = _configure(cloud, port)
    command = [str(home / "bin" / "launcher"), "run", "--etc-dir", str(settings)]
    environment = {**os.environ, "JAVA_HOME": str(java), "PATH": f"{java / 'bin'}{os.pathsep}{os.environ['PATH']}"}
    server = start("trino", command, port, cloud.folder / "logs" / "trino.log", environment)
    wait_for(server, lambda: _has_started(server), _READY_SECONDS)
    return server


def ask(cloud: Cloud, sql: str) -> Answer:
    """The answer of a query to the database of the cloud, as Athena would give it; QolError says what is wrong with it."""
    from trino.dbapi import connect
    from trino.exceptions import Error

    server = cloud.server("trino")
    until = time.monotonic() + _READY_SECONDS
    while True:
        connection = connect(  # type: ignore[no-untyped-call]
            host=HOST, port=server.port, user="qol", source="qol cloud", catalog=CATALOG, schema=cloud.database,
            timezone="UTC",
        )  # fmt: skip
        try:
            cursor = connection.cursor()
            cursor.execute(sql)
            rows = [tuple(row) for row in cursor.fetchall()]
            return Answer(tuple(column.name for column in cursor.description or ()), rows)
        except Error as err:
            # A server that has started counts itself among those who can work only a moment later.
            if getattr(err, "error_name", "") != "NO_NODES_AVAILABLE" or time.monotonic() > until:
                raise QolError(f"Trino: {getattr(err, 'message', type(err).__name__)}") from None
            time.sleep(1)
        finally:
            connection.close()


def _has_started(server: Server) -> bool:
    if not server.answers():
        return False
    try:
        with urllib.request.urlopen(f"{server.url}/v1/info", timeout=5) as response:  # noqa: S310 (our own server)
            if json.load(response).get("starting") is not False:
                return False
    except (OSError, ValueError):
        return False
    return True


def _configure(cloud: Cloud, port: int) -> Path:
    """Write the settings of the server; their folder."""
    folder = cloud.folder / "trino"
    node = {
        "node.environment": "local",
        "node.id": "qol",
        "node.bind-ip": HOST,
        "node.internal-address": HOST,
        "node.data-dir": folder / "data",
    }
    server = {
        "coordinator": "true",
        "node-scheduler.include-coordinator": "true",
        "http-server.http.port": port,
        "discovery.uri": f"http://{HOST}:{port}",
        "query.max-memory": "400MB",
        "query.max-memory-per-node": "400MB",
        "memory.heap-headroom-per-node": "200MB",
    }
    _write(folder / "node.properties", node)
    _write(folder / "config.properties", server)
    _write(folder / "log.properties", {"io.trino": "WARN"})
    _write(folder / "catalog" / f"{CATALOG}.properties", _catalog(cloud.server("moto").url))
    (folder / "jvm.config").write_text(_JVM, encoding="utf-8")
    return folder


def _catalog(aws: str) -> dict[str, str]:
    access, secret = KEYS["AWS_ACCESS_KEY_ID"], KEYS["AWS_SECRET_ACCESS_KEY"]
    return {
        "connector.name": "hive",
        "hive.metastore": "glue",
        "hive.metastore.glue.region": REGION,
        "hive.metastore.glue.endpoint-url": aws,
        "hive.metastore.glue.aws-access-key": access,
        "hive.metastore.glue.aws-secret-key": secret,
        "fs.native-s3.enabled": "true",
        "s3.endpoint": aws,
        "s3.region": REGION,
        "s3.path-style-access": "true",
        "s3.aws-access-key": access,
        "s3.aws-secret-key": secret,
    }


def _write(file: Path, settings: Mapping[str, object]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(f"{name}={value}\n" for name, value in settings.items()), encoding="utf-8")
