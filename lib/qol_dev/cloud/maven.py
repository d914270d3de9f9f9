"""Java libraries and Trino from Maven Central, through Maven itself, kept in the user's cache folder."""

import os
import shutil
import subprocess
import tarfile
import tempfile
import zipfile
from pathlib import Path

from qol.errors import QolError
from qol_dev.cloud.tools import find_maven

#: Spark 3.5.6 brings Hadoop 3.3.4; S3A must be of the same version, and the SDK of the version S3A was built with.
S3A_JARS = ("org.apache.hadoop:hadoop-aws:3.3.4", "com.amazonaws:aws-java-sdk-bundle:1.12.262")
TRINO_VERSION = "476"
#: The server without plugins and the one plugin needed are half the size of the whole distribution.
_TRINO_CORE = f"io.trino:trino-server-core:{TRINO_VERSION}:tar.gz"
_TRINO_HIVE = f"io.trino:trino-hive:{TRINO_VERSION}:zip"
_COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy"
_FETCH_SECONDS = 1800


def cache_folder() -> Path:
    """Where what was fetched is kept, for all checkouts of this user."""
    home = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(home) / "qol-cloud"


def artifact(coordinates: str) -> Path:
    """The file of `group:name:version[:type]`, fetched when it is not in the cache. MissingToolError without Maven."""
    name, version, kind = [*coordinates.split(":")[1:], "jar"][:3]
    kept = cache_folder() / f"{name}-{version}.{kind}"
    if not kept.is_file():
        with _partial_folder() as folder:
            _fetch(coordinates, Path(folder))
            os.replace(Path(folder) / kept.name, kept)
    return kept


def trino_home() -> Path:
    """The folder of an unpacked Trino server with the Hive plugin alone."""
    home = cache_folder() / f"trino-{TRINO_VERSION}"
    if not home.is_dir():
        core, hive = artifact(_TRINO_CORE), artifact(_TRINO_HIVE)
        with _partial_folder() as folder:
            os.replace(_unpack(core, hive, Path(folder)), home)
        for archive in (core, hive):
            archive.unlink()
    return home


def _unpack(core: Path, hive: Path, folder: Path) -> Path:
    with tarfile.open(core) as archive:
        wanted = [m for m in archive if m.name.split("/")[1:2] in (["bin"], ["lib"])]
        archive.extractall(folder, wanted, filter="data")
    with zipfile.ZipFile(hive) as zipped:
        zipped.extractall(folder)  # noqa: S202 (Maven checked what it fetched)
    home = folder / f"trino-server-core-{TRINO_VERSION}"
    (home / "plugin").mkdir()
    shutil.move(folder / f"trino-hive-{TRINO_VERSION}", home / "plugin" / "hive")
    return home


def _partial_folder() -> tempfile.TemporaryDirectory[str]:
    """A folder beside the final place, so that what is complete can be moved there in one step."""
    cache_folder().mkdir(parents=True, exist_ok=True)
    return tempfile.TemporaryDirectory(dir=cache_folder(), prefix=".fetch-", ignore_cleanup_errors=True)


def _fetch(coordinates: str, folder: Path) -> None:
    # Without -C, Maven 3 only warns of a wrong checksum.
    command = [str(find_maven()), "-q", "-B", "-C", _COPY, f"-Dartifact={coordinates}", f"-DoutputDirectory={folder}"]
    try:
        done = subprocess.run(  # noqa: S603 (the Maven the user has)
            command, cwd=folder, capture_output=True, text=True, timeout=_FETCH_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise QolError(f"{coordinates}: not fetched by Maven in {_FETCH_SECONDS} s; run again") from None
    if done.returncode:
        last = next((line for line in reversed(done.stdout.splitlines()) if "ERROR" in line), "Maven says nothing")
        raise QolError(f"{coordinates}: not fetched by Maven: {last}")
