"""Servers of the local cloud: started in the background, and ended only when they are still the ones we started."""

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from qol.errors import QolError

HOST = "127.0.0.1"
_STOP_SECONDS = 15.0
_PAUSE_SECONDS = 0.1
#: What this very process started: they are its children, and it has to take note of their ends.
_children: dict[int, subprocess.Popen[bytes]] = {}


@dataclass(frozen=True)
class Server:
    """A process of ours that listens on a port; `began` tells it from a later process of the same number."""

    name: str
    pid: int
    began: str
    port: int
    log: str

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://{HOST}:{self.port}"

    @property
    def is_running(self) -> bool:
        """Whether the very process that was started still runs."""
        return bool(self.began) and began(self.pid) == self.began

    def answers(self) -> bool:
        """Whether its port accepts connections."""
        with contextlib.suppress(OSError), socket.create_connection((HOST, self.port), timeout=1.0):
            return True
        return False


def free_port() -> int:
    """A port of this machine that is not in use."""
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        return int(listener.getsockname()[1])


def start(name: str, command: Sequence[str | Path], port: int, log: Path, environment: Mapping[str, str]) -> Server:
    """Start a server in a process group of its own; what it prints goes to `log`."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as out:
        process = subprocess.Popen(  # noqa: S603 (a server of ours)
            list(map(str, command)), env=dict(environment), stdin=subprocess.DEVNULL, stdout=out, stderr=out,
            start_new_session=True,
        )  # fmt: skip
    _children[process.pid] = process
    return Server(name, process.pid, began(process.pid), port, str(log))


def stop(server: Server) -> bool:
    """End the server and what it started; False when it no longer ran. Another process of its number is left alone."""
    if not server.is_running:
        return False
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, number)
        if _waited(lambda: not server.is_running, _STOP_SECONDS):
            if server.pid in _children:
                _children.pop(server.pid).wait()
            return True
    raise QolError(f"{server.name}: process {server.pid} does not end; allowed: a process that can be killed")


def wait_for(server: Server, is_ready: Callable[[], bool], seconds: float) -> None:
    """Wait until the server is ready; QolError names its log when it ended instead, or took too long."""
    if _waited(lambda: is_ready() or not server.is_running, seconds) and server.is_running:
        return
    found = f"not ready after {seconds:.0f} s" if server.is_running else "ended while it started"
    raise QolError(f"{server.name}: {found}; its log tells why: {server.log}")


def began(pid: int) -> str:
    """When a process began, as the system tells it; empty for one that does not run."""
    stat = Path(f"/proc/{pid}/stat")
    if Path("/proc/self/stat").exists():
        with contextlib.suppress(OSError, IndexError):
            fields = stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
            return "" if fields[0] == "Z" else fields[19]
        return ""
    answer = subprocess.run(  # noqa: S603 (macOS has no /proc)
        ["/bin/ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return answer.stdout.strip()


def _waited(is_done: Callable[[], bool], seconds: float) -> bool:
    """Whether it became true in that time."""
    deadline = time.monotonic() + seconds
    while not is_done():
        if time.monotonic() > deadline:
            return False
        time.sleep(_PAUSE_SECONDS)
    return True
