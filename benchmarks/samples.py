"""Sample data of `qol sample`, written once and kept, and the arguments of benchmarks on it."""

import argparse
import shutil
from pathlib import Path

from qol_dev.sample import SampleOptions, write_sample


def kept_sample(name: str, options: SampleOptions, cache: Path) -> Path:
    """A sample lake of that name; a half-written one is written again."""
    folder = cache / name
    if not folder.is_dir():
        unfinished = folder.with_name(f"{folder.name}.part")
        shutil.rmtree(unfinished, ignore_errors=True)
        write_sample(unfinished, options)
        unfinished.rename(folder)
    return folder


def people_and_rounds(description: str | None) -> tuple[int, int]:
    """What --people and --rounds say."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--people", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=1)
    options = parser.parse_args()
    return options.people, options.rounds
