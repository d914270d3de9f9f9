"""The folder that is uploaded: job script, wheel, wheelhouse, Lambda zips, and the hashes of them all."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from qol import __version__
from qol_dev.package.archive import read_zip, sha256, write_zip
from qol_dev.package.lambdas import HANDLERS, handler_files, library_files
from qol_dev.package.lock import NEVER, Lock, Pin, project_requirements, read_list, without
from qol_dev.package.pip import Target, build_wheel, download

#: Glue 5.1: Python 3.11 on x86_64; its glibc 2.34 takes these.
GLUE = Target("311", "manylinux_2_28_x86_64 manylinux_2_17_x86_64 manylinux2014_x86_64")
#: Lambda: whatever runs Python 3.13, for no platform, so only pure Python resolves.
LAMBDA = Target("313", "any")


@dataclass(frozen=True)
class Project:
    """Where things are in a checkout."""

    root: Path

    @property
    def lib(self) -> Path:
        """The code."""
        return self.root / "lib"

    @property
    def cache(self) -> Path:
        """Downloaded wheels, which a second build does not fetch again."""
        return self.root / ".package"

    def glue_lock(self) -> Lock:
        """What the job needs and Glue lacks."""
        provided = read_list(self.root / "glue_jobs" / "glue-5.1.txt")
        needed = without(project_requirements(self.root), provided)
        return Lock(self.root / "glue_jobs" / "requirements.lock", needed, provided, GLUE)

    def lambda_lock(self) -> Lock:
        """What the handlers need and Lambda's Python lacks; time zones, because Lambda does not promise them."""
        zones = tuple(line for line in project_requirements(self.root) if line.startswith("tzdata=="))
        needed = (*project_requirements(self.root, "lambda"), *zones)
        return Lock(self.lib / "qol_lambda" / "requirements.lock", needed, ("jmespath==1.0.1",), LAMBDA)


def build(project: Project, dist: Path) -> dict[str, str]:
    """Build everything into an emptied folder; the manifest: hashes by path below it."""
    glue, lambdas = _wheels(project, project.glue_lock()), _wheels(project, project.lambda_lock())
    shutil.rmtree(dist, ignore_errors=True)
    (dist / "glue").mkdir(parents=True)
    shutil.copyfile(project.root / "glue_jobs" / "weekly_etl.py", dist / "glue" / "weekly_etl.py")
    wheel = _own_wheel(project, dist / "glue")
    _wheelhouse(dist / "glue" / f"qol-wheels-{__version__}.gluewheels.zip", project.glue_lock().pins(), [*glue, wheel])
    libraries = library_files(lambdas)
    for handler in HANDLERS:
        write_zip(dist / "lambda" / f"{handler}.zip", libraries | handler_files(project.lib, handler))
    files = sorted(path for path in dist.rglob("*") if path.is_file())
    manifest = {path.relative_to(dist).as_posix(): sha256(path) for path in files}
    (dist / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
    return manifest


def _wheels(project: Project, lock: Lock) -> list[Path]:
    """The wheels of a lock, downloaded where they are not there yet, in the order of their names."""
    folder = project.cache / lock.target.python
    folder.mkdir(parents=True, exist_ok=True)
    wanted = {pin.sha256 for pin in lock.pins()}
    if not wanted <= set(_by_hash(folder)):
        download(lock.path, folder, lock.target)
    return sorted(path for digest, path in _by_hash(folder).items() if digest in wanted)


def _by_hash(folder: Path) -> dict[str, Path]:
    return {sha256(path): path for path in folder.glob("*.whl")}


def _own_wheel(project: Project, folder: Path) -> Path:
    """Our wheel with the contracts in it; built from a copy, so that nothing an earlier build left gets in."""
    with tempfile.TemporaryDirectory() as place:
        source, built = Path(place) / "source", Path(place) / "built"
        leave = shutil.ignore_patterns("__pycache__", "*.pyc", "*.egg-info")
        shutil.copytree(project.lib, source / "lib", ignore=leave)
        shutil.copytree(project.root / "schemas", source / "lib" / "qol" / "_schemas", ignore=leave)
        shutil.copyfile(project.root / "README.md", source / "README.md")
        (source / "pyproject.toml").write_text(
            _for_glue((project.root / "pyproject.toml").read_text(encoding="utf-8")), encoding="utf-8"
        )
        found = build_wheel(source, built)
        target = folder / found.name
        write_zip(target, read_zip(found))
    return target


def _for_glue(project_file: str) -> str:
    """The project's description with what Glue brings at least as new, not exactly so: Glue mends its image at will."""
    return re.sub(rf'"({"|".join(sorted(NEVER))})==', r'"\1>=', project_file)


def _wheelhouse(path: Path, pins: list[Pin], wheels: list[Path]) -> None:
    """Glue's zip of wheels: a folder `wheels/` that pip takes for its only index, and the list of what to install."""
    lines = [f"{pin.name}=={pin.version}" for pin in pins]
    listed = "\n".join([*lines, f"qol-lake=={__version__}"]) + "\n"
    members = {f"wheels/{wheel.name}": wheel.read_bytes() for wheel in wheels}
    write_zip(path, members | {"wheels/requirements.txt": listed.encode()}, compress=False)
