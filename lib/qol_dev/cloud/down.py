"""Take a local cloud down: its servers end, its folder goes."""

import shutil

from qol.errors import UsageError
from qol_dev.cloud.processes import stop
from qol_dev.cloud.state import STATE, Cloud


def take_down(cloud: Cloud) -> list[str]:
    """End the servers that still run and remove the folder; what was done. A folder that is no cloud's is left alone."""
    folder = cloud.folder
    if not folder.exists():
        return [f"{folder}: nothing is there"]
    if not (folder / STATE).is_file() and any(folder.iterdir()):
        raise UsageError(f"{folder}: holds files of others; allowed: the folder of a local cloud")
    done = [
        f"{server.name}: {'ended' if stop(server) else 'did not run any more'} (process {server.pid})"
        for server in reversed(cloud.servers)
    ]
    shutil.rmtree(folder)
    return [*done, f"{folder}: removed"]
