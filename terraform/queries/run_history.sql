-- Runs, newest first: how they ended and how many items they read
SELECT run_id, status, "trigger", week, engine, totals.lines AS items, totals.rejected AS rejected, raw_objects.read AS objects, error
FROM ${database}.job_runs
ORDER BY run_id DESC
LIMIT 50
