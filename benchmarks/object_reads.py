"""GETs of small objects from a server that answers after 30 ms, one at a time and as many as a lake keeps open."""

import asyncio
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from benchmarks import report
from qol.lake import open_lake

PORT = 8765
ANSWER_SECONDS = 0.03
BODY = b"x" * 2_000
HEAD = b'HTTP/1.1 200 OK\r\nETag: "a"\r\nContent-Length: %d\r\n\r\n' % len(BODY)


async def _serve() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.readuntil(b"\r\n\r\n"):
            await asyncio.sleep(ANSWER_SECONDS)
            writer.write(HEAD + BODY)

    await (await asyncio.start_server(answer, "127.0.0.1", PORT)).serve_forever()


def measure(objects: int = 3_000) -> str:
    """Milliseconds and processor milliseconds of a GET, in Markdown."""
    keys = {"AWS_ACCESS_KEY_ID": "none", "AWS_SECRET_ACCESS_KEY": "none", "AWS_REGION": "us-east-1"}
    os.environ.update(keys, AWS_ENDPOINT_URL=f"http://127.0.0.1:{PORT}")
    lake = open_lake("s3://bucket")
    rows = []
    for threads in (1, lake.reads_at_once):
        wall, processor = time.perf_counter(), time.process_time()
        with ThreadPoolExecutor(threads) as pool:
            count = len(list(pool.map(lake.read, [f"key-{n}" for n in range(objects * threads // lake.reads_at_once)])))
        spent = (time.perf_counter() - wall, time.process_time() - processor)
        rows.append([str(threads), *(f"{seconds / count * 1e3:.2f}" for seconds in spent)])
    return report.table(["GETs at a time", "ms", "processor ms"], rows)


if __name__ == "__main__":
    if "serve" in sys.argv:
        asyncio.run(_serve())
    else:
        with subprocess.Popen([sys.executable, "-m", "benchmarks.object_reads", "serve"], stderr=-3) as server:
            time.sleep(2)
            report.say(measure())
            server.terminate()
