-- All weeks of one person; put the user_id in place of the subquery
SELECT
  iso_week, days_observed, steps_mean, steps_days, sleep_minutes_mean, sleep_minutes_days,
  resting_hr_bpm_mean, resting_hr_bpm_days, stress_mean_mean, stress_mean_days
FROM ${database}.weekly_metrics
WHERE user_id = (SELECT min(user_id) FROM ${database}.weekly_metrics)
ORDER BY iso_week DESC
