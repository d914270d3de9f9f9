"""What import-linter does not check: names of modules, and what lies beside the packages."""

from collections import Counter
from pathlib import Path

LIB = Path(__file__).parents[1] / "lib"


def test_a_module_name_stands_once_below_lib() -> None:
    names = Counter(path.stem for path in LIB.rglob("*.py") if not path.stem.startswith("__"))
    assert [name for name, count in names.items() if count > 1] == []


def test_nothing_lies_beside_the_packages_of_qol_but_its_errors() -> None:
    assert sorted(path.name for path in (LIB / "qol").glob("*.py")) == ["__init__.py", "errors.py"]


def test_folders_of_tests_are_named_as_packages() -> None:
    packages = {path.name for path in LIB.glob("qol*") if path.is_dir()} | {
        path.name for path in (LIB / "qol").iterdir() if path.is_dir()
    }
    tests = LIB.parent / "tests"
    folders = {path.relative_to(tests).parts[0] for path in tests.rglob("*.py") if path.parent != tests}
    assert folders - packages == {"acceptance", "benchmarks", "examples", "simulation", "spark"}
