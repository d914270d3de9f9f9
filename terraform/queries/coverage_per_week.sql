-- People and days observed per week
SELECT
  iso_week,
  count(*) AS people,
  sum(days_observed) AS days_observed,
  count_if(days_observed = 7) AS people_with_all_days,
  min(days_observed) AS fewest_days
FROM ${database}.weekly_metrics
GROUP BY iso_week
ORDER BY iso_week DESC
