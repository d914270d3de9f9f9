"""The folder that is uploaded to AWS: job script, wheel, wheelhouse, zip of the functions, and the hashes of them all."""

import json
import shutil
import tempfile
import tomllib
from pathlib import Path

from qol import __version__
from qol_dev.package.archive import read_zip, sha256, write_zip
from qol_dev.package.locks import Lock, name_of, project_requirements, read_list, run

#: Glue 5.1 is Python 3.11 on x86_64 with glibc 2.34.
GLUE_PLATFORMS = ("manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64")
#: What the functions need of the project's requirements; Lambda brings boto3, but not time zones.
LAMBDA_REQUIREMENTS = frozenset({"aws-lambda-powertools", "tzdata"})
#: Lambda on Graviton, Python 3.13 on glibc 2.34: the collector needs libraries that are compiled.
COLLECTOR_PLATFORMS = ("manylinux_2_28_aarch64", "manylinux_2_17_aarch64", "manylinux2014_aarch64")
COLLECTOR_REQUIREMENTS = LAMBDA_REQUIREMENTS | {"jsonschema", "msgspec", "pydantic", "pyyaml"}
_PROVIDED = ("jmespath==1.0.1",)
#: The modules of qol that the functions use, with their packages; none imports anything that Lambda lacks.
SHARED_MODULES = (
    "qol/__init__.py", "qol/errors.py", "qol/aws/__init__.py", "qol/aws/emf.py", "qol/aws/requests.py",
    "qol/contracts/__init__.py", "qol/contracts/raw_path.py", "qol/contracts/raw_values.py", "qol/contracts/spans.py", "qol/identity/__init__.py",
    "qol/identity/erasure_hash.py", "qol/run/__init__.py",
    "qol/run/request.py", "qol/tables/__init__.py", "qol/tables/weeks.py",
    "qol/webhooks/__init__.py", "qol/webhooks/bodies.py", "qol/webhooks/webhook_credentials.py", "qol/webhooks/dropped_fields.py",
    "qol/webhooks/deadline.py", "qol/webhooks/garmin_routes.py", "qol/webhooks/user_map_table.py",
)  # fmt: skip


def glue_lock(root: Path) -> Lock:
    """What the job needs and Glue lacks."""
    provided = read_list(root / "glue_jobs" / "glue-5.1.txt")
    needed = tuple(line for line in project_requirements(root) if line not in provided)
    return Lock(root / "glue_jobs" / "requirements.lock", needed, provided, "3.11", GLUE_PLATFORMS)


def lambda_lock(root: Path) -> Lock:
    """What the functions need and Lambda lacks, as pure Python."""
    needed = tuple(line for line in project_requirements(root) if name_of(line) in LAMBDA_REQUIREMENTS)
    return Lock(root / "lib" / "qol_lambda" / "requirements.lock", needed, _PROVIDED, "3.13", ("any",))


def collector_lock(root: Path) -> Lock:
    """What the collector needs and Lambda lacks: the extra `collect`, and what reads contracts."""
    needed = [line for line in project_requirements(root) if name_of(line) in COLLECTOR_REQUIREMENTS]
    needed += project_requirements(root, "collect")
    return Lock(root / "lib" / "qol_lambda" / "collector.lock", tuple(needed), _PROVIDED, "3.13", COLLECTOR_PLATFORMS)


def build_lock(root: Path) -> Lock:
    """What builds the project's wheel."""
    needed = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["build-system"]["requires"]
    return Lock(root / "lib" / "qol_dev" / "package" / "requirements.lock", tuple(needed), (), "3.11", ("any",))


def checkov_lock(root: Path) -> Lock:
    """What checks `terraform/`, in an environment of its own, because it conflicts with the project's requirements."""
    return Lock(root / "terraform" / "checkov.lock", ("checkov==3.3.30",), (), "3.11", ("any",))


def locks(root: Path) -> tuple[Lock, ...]:
    """Every lock of a checkout."""
    return glue_lock(root), lambda_lock(root), collector_lock(root), build_lock(root), checkov_lock(root)


def build(root: Path, dist: Path) -> dict[str, str]:
    """Build the package of a checkout into an emptied folder and return the SHA-256 of every file by its path."""
    cache = root / ".package"
    python = build_lock(root).environment(cache)
    glue, libraries = glue_lock(root).wheels(cache, python), lambda_lock(root).wheels(cache, python)
    shutil.rmtree(dist, ignore_errors=True)
    (dist / "glue").mkdir(parents=True)
    shutil.copyfile(root / "glue_jobs" / "weekly_etl.py", dist / "glue" / "weekly_etl.py")
    write_zip(dist / "glue" / "empty.jar", {"META-INF/MANIFEST.MF": b"Manifest-Version: 1.0\n"})
    wheel = _build_wheel(root, dist / "glue", python)
    _write_wheelhouse(dist / "glue" / f"qol-wheels-{__version__}.gluewheels.zip", glue_lock(root), [*glue, wheel])
    write_zip(dist / "lambda" / "functions.zip", function_files(root / "lib", libraries))
    write_zip(dist / "lambda" / "collector.zip", collector_files(root, collector_lock(root).wheels(cache, python)))
    files = sorted(path for path in dist.rglob("*") if path.is_file())
    manifest = {path.relative_to(dist).as_posix(): sha256(path) for path in files}
    (dist / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
    return manifest


def function_files(lib: Path, wheels: list[Path]) -> dict[str, bytes]:
    """The zip of all functions by path: qol_lambda whole, the shared modules of qol, and pure Python libraries."""
    own = [path.relative_to(lib).as_posix() for path in (lib / "qol_lambda").glob("*.py")]
    return _libraries(wheels) | {name: (lib / name).read_bytes() for name in [*own, *SHARED_MODULES]}


def collector_files(root: Path, wheels: list[Path]) -> dict[str, bytes]:
    """The zip of the collector by path: all modules of qol, the contracts, and libraries for Lambda's machines."""
    lib, schemas = root / "lib", root / "schemas"
    own = {path.relative_to(lib).as_posix(): path.read_bytes() for path in (lib / "qol").rglob("*.py")}
    files = [path for path in schemas.rglob("*") if path.suffix in (".yaml", ".json")]
    contracts = {f"qol/_schemas/{path.relative_to(schemas).as_posix()}": path.read_bytes() for path in files}
    return _libraries(wheels) | own | contracts


def _libraries(wheels: list[Path]) -> dict[str, bytes]:
    return {name: data for wheel in wheels for name, data in read_zip(wheel).items()}


def _build_wheel(root: Path, folder: Path, python: Path) -> Path:
    """The project's wheel, built from a copy without the files of earlier builds."""
    ignore = shutil.ignore_patterns("__pycache__", "*.pyc", "*.egg-info", "qol_dev")
    with tempfile.TemporaryDirectory() as place:
        source = Path(place) / "source"
        shutil.copytree(root / "lib", source / "lib", ignore=ignore)
        for name in ("README.md", "LICENSE"):
            shutil.copyfile(root / name, source / name)
        described = (root / "pyproject.toml").read_text(encoding="utf-8")
        for line in glue_lock(root).provided:  # AWS changes the versions of what Glue brings
            described = described.replace(f'"{line}"', f'"{line.replace("==", ">=")}"')
        (source / "pyproject.toml").write_text(described, encoding="utf-8")
        command = ["pip", "wheel", "--no-index", "--no-deps", "--use-pep517", "--no-build-isolation"]
        run(str(python), [*command, "--wheel-dir", place, str(source)])
        (built,) = Path(place).glob("*.whl")
        write_zip(folder / built.name, read_zip(built))
        return folder / built.name


def _write_wheelhouse(path: Path, lock: Lock, wheels: list[Path]) -> None:
    """Glue's zip of wheels: a folder `wheels/`, which pip uses as its only index, with the list of what to install."""
    pins = lock.pins() | {"qol-lake": __version__}
    listed = "".join(f"{name}=={version}\n" for name, version in pins.items())
    members = {f"wheels/{wheel.name}": wheel.read_bytes() for wheel in wheels}
    write_zip(path, members | {"wheels/requirements.txt": listed.encode()}, compress=False)
