-- The newest weeks, one row per person
SELECT * FROM ${database}.weekly_metrics ORDER BY date DESC LIMIT 10
