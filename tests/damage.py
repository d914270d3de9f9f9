"""What a disk or a hand does to a Parquet file."""

from pathlib import Path


def without_end(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-40])


def zeroed_body(file: Path) -> None:
    data = file.read_bytes()
    end = len(data) - 8 - int.from_bytes(data[-8:-4], "little")  # where the footer begins
    file.write_bytes(data[:4] + bytes(end - 4) + data[end:])


def unnamed_column(file: Path) -> None:
    data = bytearray(file.read_bytes())
    end = len(data) - 8 - int.from_bytes(data[-8:-4], "little")
    data[data.index(b"user_id", end)] = 0xF5  # no byte of UTF-8
    file.write_bytes(data)
