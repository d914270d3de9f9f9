"""Arguments of a Glue job run to a command of `qol`: the same names, always in full, and nothing passed over in silence."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from qol.errors import UsageError

#: `awsglue.utils.getResolvedOptions`: the process's arguments and the names to look for, to their values.
Resolve = Callable[[list[str], list[str]], Mapping[str, Any]]

COMMANDS = ("run", "backfill", "rebuild")
#: Spark is there before the job is, so its master is not ours to choose.
DEFAULTS = {"engine": "spark", "master": "none"}
#: What Glue and its agents hand to every script beside the job's own arguments.
OF_GLUE = frozenset(
    {
        "JOB_NAME", "JOB_ID", "JOB_RUN_ID", "SECURITY_CONFIGURATION", "TempDir", "RedshiftTempDir", "additional-python-modules",
        "auto-scale-within-microbatch", "class", "conf", "continuation-option", "datalake-formats", "debug",
        "disable-proxy-v2", "encryption-type", "endpoint", "executor-cores", "job-language", "mode", "number-of-workers",
        "python-modules-installer-option", "python-virtual-env", "scriptLocation", "spark-event-logs-path",
        "use-postgres-driver", "user-jars-first", "worker-type", "write-shuffle-files-to-s3", "write-shuffle-spills-to-s3",
    }
)  # fmt: skip
#: Families of them, which grow with every release of Glue; no option of ours begins so.
_FAMILIES = ("enable-", "continuous-log-", "custom-", "customer-", "extra-", "job-bookmark-")
#: Of Glue's own arguments, the one whose value looks like an argument.
_VALUE_IS_AN_OPTION = "--python-modules-installer-option"


@dataclass(frozen=True)
class JobCall:
    """What to run: a command with its words, and the job's name for logs and metrics."""

    command: str
    words: tuple[str, ...]
    job: str
    spark_master: str | None = None
    uses_spark: bool = True


@dataclass(frozen=True)
class Known:
    """Options of a command: those with a value, those that are flags, and those that may come several times."""

    values: frozenset[str]
    flags: frozenset[str]
    lists: frozenset[str]

    @property
    def names(self) -> frozenset[str]:
        """All of them."""
        return self.values | self.flags


def read_call(argv: Sequence[str], resolve: Resolve, known: Known) -> JobCall:
    """The run that the arguments ask for; UsageError when one is unknown, cut short, twice there or without its value.

    Only names that are there are asked for, because `getResolvedOptions` takes every asked one for required, and each
    in full, because it would take the start of a name for the name.
    """
    present = _names(argv)
    allowed = known.names | {"command"}
    for name in present:
        if name not in allowed and not _is_of_glue(name):
            raise UsageError(f"--{name}: unknown argument; allowed: {', '.join(f'--{n}' for n in sorted(allowed))}")
    asked = [name for name in present if name in allowed or name == "JOB_NAME"]
    for name in asked:
        if asked.count(name) > 1:
            raise UsageError(f"--{name}: {asked.count(name)} times there; allowed: once")
    values = _resolved(argv, resolve, asked)
    command = values.get("command", COMMANDS[0])
    if command not in COMMANDS:
        raise UsageError(f"--command {command}: unknown; allowed: {', '.join(COMMANDS)}")
    given = {name: values[name] for name in asked if name in known.names}
    given = {**DEFAULTS, **given}
    if values.get("JOB_RUN_ID"):
        given.setdefault("job-run-id", values["JOB_RUN_ID"])
    words = tuple(word for name, value in given.items() for word in _words(name, value, known))
    master = None if given["master"] == "none" else given["master"]
    return JobCall(command, words, values.get("JOB_NAME", "qol-weekly-etl"), master, given["engine"] == "spark")


def _resolved(argv: Sequence[str], resolve: Resolve, asked: list[str]) -> dict[str, str]:
    """Values by the names as they are written; Glue's function gives them with underscores."""
    try:
        found = resolve(list(argv), asked)
    except Exception as err:
        if type(err).__name__ != "GlueArgumentError":  # awsglue is there on Glue alone, its classes cannot be imported
            raise
        raise UsageError(f"{err}; allowed: every argument with its value") from None
    values = {name: found[name.replace("-", "_")] for name in asked}
    if found.get("JOB_RUN_ID"):
        values["JOB_RUN_ID"] = found["JOB_RUN_ID"]  # Glue's function always looks for it and must not be asked to
    return values


def _names(argv: Sequence[str]) -> list[str]:
    """Names of the arguments in their order, without what stands as a value."""
    names: list[str] = []
    value_of = ""
    for word in argv[1:]:
        if word.startswith("--") and value_of != _VALUE_IS_AN_OPTION:
            name, equals, _ = word.partition("=")
            names.append(name.removeprefix("--"))
            value_of = "" if equals else name
        elif not value_of and names and not _is_of_glue(names[-1]):  # Glue's launcher leaves words of its own behind
            raise UsageError(f"a value without a name after --{names[-1]}; allowed: --name value, one value each")
        else:
            value_of = ""
    return names


def _is_of_glue(name: str) -> bool:
    return name in OF_GLUE or name.startswith(_FAMILIES)


def _words(name: str, value: str, known: Known) -> list[str]:
    """An argument as the command line takes it: a flag has no value there, a list is its option several times."""
    if name in known.flags:
        if value not in {"true", "false"}:
            raise UsageError(f"--{name} {value}: not a switch; allowed: true or false")
        return [f"--{name}"] if value == "true" else []
    parts = [part.strip() for part in value.split(",")] if name in known.lists else [value]
    return [word for part in parts for word in (f"--{name}", part)]
