"""Sample data of `qol sample`, written once and kept."""

import os
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


def linked(place: Path, target: Path) -> None:
    """A folder of raw objects in another sample, as hard links: a lake follows no others."""
    shutil.copytree(place, target, copy_function=os.link)
