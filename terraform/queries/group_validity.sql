-- People per week whose group of metrics has enough valid days
SELECT
  iso_week,
  count(*) AS people,
  count_if(activity_valid) AS activity,
  count_if(heart_valid) AS heart,
  count_if(sleep_valid) AS sleep,
  count_if(stress_valid) AS stress,
  count_if(respiration_valid) AS respiration
FROM ${database}.weekly_metrics
GROUP BY iso_week
ORDER BY iso_week DESC
