"""A DuckDB script: everything in one statement, columns given, none of the job's guarantees."""

import sys

import duckdb

from benchmarks.baselines.fields import DISTANCE, INTEGERS, METRICS, MINUTES, SAMPLES, SUMMED

COLUMNS = {
    "userId": "VARCHAR",
    "calendarDate": "DATE",
    "startTimeInSeconds": "BIGINT",
    "durationInSeconds": "BIGINT",
    "_received_at": "VARCHAR",
    DISTANCE: "DOUBLE",
    SAMPLES: "MAP(VARCHAR, DOUBLE)",
    **dict.fromkeys([*INTEGERS.values(), *MINUTES.values()], "BIGINT"),
}


def statement(raw: str, out: str) -> str:
    """Lines to kept days to weeks to Parquet."""
    metrics = [f'"{name}" AS {metric}' for metric, name in INTEGERS.items()]
    metrics += [f'"{name}" / 60 AS {metric}' for metric, name in MINUTES.items()]
    metrics += [f'"{DISTANCE}" AS distance_m', f'round(list_avg(map_values("{SAMPLES}")), 2) AS mean_hr_bpm']
    metrics += ["moderate_minutes + 2 * vigorous_minutes AS mvpa_equivalent_minutes"]
    weekly = []
    for metric in METRICS:
        weekly += [f"avg({metric}) AS {metric}_mean", f"median({metric}) AS {metric}_median"]
        weekly += [f"stddev_samp({metric}) AS {metric}_sd", f"count({metric}) AS {metric}_days"]
        weekly += [f"{of}({metric}) AS {metric}_{of}" for of in ("min", "max", *(["sum"] if metric in SUMMED else []))]
    return f"""
    COPY (
        WITH lines AS (
            FROM read_json('{raw}/raw/daily/*/*.jsonl', format = 'newline_delimited', columns = {COLUMNS})
        ), kept AS (
            FROM lines QUALIFY row_number() OVER (
                PARTITION BY "userId", "startTimeInSeconds" ORDER BY "durationInSeconds" DESC, "_received_at" DESC
            ) = 1
        ), days AS (
            SELECT "userId" AS user_id, date_trunc('week', "calendarDate")::DATE AS week_start, {", ".join(metrics)}
            FROM kept
        )
        SELECT user_id, week_start, week_start::VARCHAR AS date, {", ".join(weekly)}
        FROM days GROUP BY ALL
    ) TO '{out}' (FORMAT parquet, PARTITION_BY (date), OVERWRITE_OR_IGNORE)
    """


def main(raw: str, out: str) -> None:
    """Run it as DuckDB comes: every core, most of the memory."""
    duckdb.connect().execute(statement(raw, out))


if __name__ == "__main__":
    main(*sys.argv[1:])
