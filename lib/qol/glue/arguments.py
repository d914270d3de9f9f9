"""Arguments of a Glue job run to a request: the names of the command line's options in full, and no argument is ignored."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from qol.errors import UsageError
from qol.run.request import COMMANDS, OPTIONS, RunRequest, parse_choice, read_request

#: `awsglue.utils.getResolvedOptions`: the process's arguments and the names to look for, to their values.
Resolve = Callable[[list[str], list[str]], Mapping[str, Any]]

#: The name of the job where Glue does not give one.
JOB = "qol-weekly-etl"
#: Glue starts Spark before the job, so the job does not choose its master.
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


def read_call(argv: Sequence[str], resolve: Resolve) -> tuple[RunRequest, str]:
    """The run that the arguments ask for, and the job's name; UsageError when one is unknown, cut short, given twice or without its value.

    Only names that are present are asked for, because `getResolvedOptions` takes every asked one for required, and each
    in full, because it would take the start of a name for the name.
    """
    present = _names(argv)
    allowed = {option.name for option in OPTIONS.values()} | {"command"}
    for name in present:
        if name not in allowed and not _is_of_glue(name):
            raise UsageError(f"--{name}: unknown argument; allowed: {', '.join(f'--{n}' for n in sorted(allowed))}")
    asked = [name for name in present if name in allowed or name == "JOB_NAME"]
    for name in asked:
        if asked.count(name) > 1:
            raise UsageError(f"--{name}: given {asked.count(name)} times; allowed: once")
    values = _resolved(argv, resolve, asked)
    job, run_id = values.pop("JOB_NAME", JOB), values.pop("JOB_RUN_ID", None)
    command: Any = parse_choice(*COMMANDS)("--command", values.pop("command", "run"))
    values = values if command == "erase" else DEFAULTS | values
    return read_request(command, {"job-run-id": run_id} | values if run_id else values), job


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
