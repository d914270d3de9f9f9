"""The Lambda functions of the local cloud: their own zips with the environment Terraform gave them, each in a process."""

import base64
import hashlib
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from qol.errors import QolError, UsageError
from qol_dev.cloud.athena_queries import answer_next_query
from qol_dev.cloud.state import Cloud, client, cloud_environment
from qol_dev.cloud.terraform import package_folder

_HOST = Path(__file__).with_name("lambda_host.py")
#: All that a function gets of the machine's own environment.
_INHERITED_VARIABLES = ("PATH", "HOME", "TMPDIR", "LANG")


class FunctionFailedError(QolError):
    """When a function raised, which AWS would count as an error and repeat where it was called asynchronously."""


@dataclass
class Function:
    """A function that waits for calls."""

    key: str
    process: subprocess.Popen[str]
    log: Path

    def __call__(self, event: Mapping[str, Any], now: datetime | None = None) -> Any:
        """Call the handler; `now` is the clock it sees, None for the real one. FunctionFailedError when it raised."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        call = {"event": event, "now": now.isoformat() if now else None}
        with suppress(BrokenPipeError):  # a function that has ended gives no answer, which is answer below
            self.process.stdin.write(json.dumps(call) + "\n")
            self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise FunctionFailedError(f"{self.key}: ended without an answer; its log: {self.log}")
        answer = json.loads(answer)
        if "error" in answer:
            raise FunctionFailedError(f"{self.key}: {answer['error']}: {answer['message']}; its log: {self.log}")
        return answer["result"]


def function_keys(cloud: Cloud) -> list[str]:
    """The functions by what they do, such as `kick`."""
    return sorted(cloud.names["functions"])


@contextmanager
def open_function(cloud: Cloud, key: str, settings: Mapping[str, str] | None = None) -> Iterator[Function]:
    """A function ready for calls, such as `receiver`; `settings` add to its environment. UsageError when none has that name."""
    if key not in cloud.names["functions"]:
        raise UsageError(f"function {key}: unknown; allowed: {', '.join(function_keys(cloud))}")
    deployed = client(cloud, "lambda").get_function_configuration(FunctionName=cloud.names["functions"][key])
    code = _unpacked(cloud, key, deployed)
    environment = _environment(cloud, deployed, code) | dict(settings or {})
    log = cloud.folder / "logs" / f"{key}.log"
    with log.open("ab") as out:
        process = subprocess.Popen(  # noqa: S603 (this Python, our own file)
            [sys.executable, "-P", _HOST, deployed["Handler"]], env=environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=out,
        )  # fmt: skip
    try:
        yield Function(key, process, log)
    finally:
        if process.stdin:
            process.stdin.close()
        process.wait(timeout=30)
        if process.stdout:
            process.stdout.close()


def invoke(cloud: Cloud, key: str, event: Mapping[str, Any]) -> Any:
    """Call a function once; the gap check, which asks Athena, finds Trino's answer there."""
    if key == "raw_gap":
        from qol_lambda.raw_gap import LAST_DAYS

        answer_next_query(cloud, LAST_DAYS)
    with open_function(cloud, key) as function:
        return function(event)


def _unpacked(cloud: Cloud, key: str, deployed: Mapping[str, Any]) -> Path:
    """The code of the function, which has to be the one that was deployed.

    A collector's libraries are compiled for the machines of Lambda: here those of this Python take their place.
    """
    is_collector = not deployed["Handler"].startswith("qol_lambda.")
    archive = package_folder(cloud) / "lambda" / ("collector.zip" if is_collector else "functions.zip")
    digest = hashlib.sha256(archive.read_bytes())
    if base64.b64encode(digest.digest()).decode() != deployed["CodeSha256"]:
        raise QolError(f"{archive}: not what was deployed; allowed: the deployed zip (`qol cloud up` deploys it)")
    folder = cloud.folder / "functions" / f"{key}-{digest.hexdigest()[:12]}"
    if not folder.is_dir():
        with zipfile.ZipFile(archive) as zipped:
            names = [name for name in zipped.namelist() if name.startswith("qol/") or not is_collector]
            zipped.extractall(folder, names)
    return folder


def _environment(cloud: Cloud, deployed: Mapping[str, Any], code: Path) -> dict[str, str]:
    machine = {name: os.environ[name] for name in _INHERITED_VARIABLES if name in os.environ}
    return {
        **machine,
        **cloud_environment(cloud),
        **deployed.get("Environment", {}).get("Variables", {}),
        "AWS_LAMBDA_FUNCTION_NAME": deployed["FunctionName"],
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(deployed["MemorySize"]),
        "HOST_TIMEOUT_SECONDS": str(deployed["Timeout"]),
        "PYTHONPATH": str(code),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
