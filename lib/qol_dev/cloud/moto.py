"""moto server: AWS as a process of this machine, everything in its memory."""

import importlib.util
import os
import sys

from qol_dev.cloud.processes import HOST, Server, free_port, start, wait_for
from qol_dev.cloud.state import KEYS, REGION, Cloud
from qol_dev.cloud.tools import MissingToolError

_READY_SECONDS = 60.0


def start_moto(cloud: Cloud) -> Server:
    """A running moto server. MissingToolError when moto is not installed."""
    if importlib.util.find_spec("moto") is None:
        raise MissingToolError("moto: not installed; install the project with its `dev` extra (`make setup`)")
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", HOST, "-p", str(port)]
    environment = {**os.environ, **KEYS, "AWS_DEFAULT_REGION": REGION}
    server = start("moto", command, port, cloud.folder / "logs" / "moto.log", environment)
    wait_for(server, server.answers, _READY_SECONDS)
    return server
