-- One row per person and local day, worked out from Garmin's record tables as the documentation says, in nothing but
-- Spark SQL. Durations are seconds; days keep ten decimals, halves away from zero (decimals round so).
WITH
-- Each week keeps its own record of a key; of one that is in two weeks, the better version counts.
dailies AS (
  SELECT * FROM (
    SELECT *, row_number() OVER (
      PARTITION BY user_id, record_key
      ORDER BY duration_seconds DESC NULLS LAST, coalesce(received_at, CAST(arrival_date AS TIMESTAMP)) DESC
    ) AS version
    FROM records_garmin_dailies
  ) WHERE version = 1
),
stress_details AS (
  SELECT * FROM (
    SELECT *, row_number() OVER (
      PARTITION BY user_id, record_key
      ORDER BY duration_seconds DESC NULLS LAST, coalesce(received_at, CAST(arrival_date AS TIMESTAMP)) DESC
    ) AS version
    FROM records_garmin_stressDetails
  ) WHERE version = 1
),
sleeps AS (
  SELECT * FROM (
    SELECT *, row_number() OVER (
      PARTITION BY user_id, record_key ORDER BY coalesce(received_at, CAST(arrival_date AS TIMESTAMP)) DESC
    ) AS version
    FROM records_garmin_sleeps
  ) WHERE version = 1
),
hrv AS (
  SELECT * FROM (
    SELECT *, row_number() OVER (
      PARTITION BY user_id, record_key ORDER BY coalesce(received_at, CAST(arrival_date AS TIMESTAMP)) DESC
    ) AS version
    FROM records_garmin_hrv
  ) WHERE version = 1
),
-- The day of an estimate is its key, so one that was moved is another record of the same document.
user_metrics AS (
  SELECT * FROM (
    SELECT *, row_number() OVER (
      PARTITION BY user_id, coalesce(summary_id, record_key)
      ORDER BY coalesce(received_at, CAST(arrival_date AS TIMESTAMP)) DESC
    ) AS version
    FROM records_garmin_userMetrics
  ) WHERE version = 1
),
-- A day is there when any record tells of it.
all_days AS (
  SELECT user_id, day FROM dailies
  UNION SELECT user_id, day FROM sleeps
  UNION SELECT user_id, day FROM stress_details
  UNION SELECT user_id, day FROM hrv
  UNION SELECT user_id, day FROM user_metrics
),
-- Of several summaries of a day by the person's own device the longest counts, then the one received last.
whole_day AS (
  SELECT *,
    CASE WHEN hr_sample_count >= 240
      THEN round(CAST(least(hr_sample_count * 15, duration_seconds) AS DECIMAL(24, 12)) / 60, 10) END AS wear_minutes,
    coalesce(rest_stress_seconds > 0 OR low_stress_seconds > 0 OR medium_stress_seconds > 0
      OR high_stress_seconds > 0 OR activity_stress_seconds > 0, false) AS has_stress
  FROM (
    SELECT *, row_number() OVER (
      PARTITION BY user_id, day
      ORDER BY duration_seconds DESC NULLS LAST, coalesce(received_at, CAST(arrival_date AS TIMESTAMP)) DESC, record_key DESC
    ) AS place
    FROM dailies WHERE third_party_source IS NULL
  ) WHERE place = 1
),
stress_day AS (
  SELECT * FROM (
    SELECT *, row_number() OVER (
      PARTITION BY user_id, day
      ORDER BY duration_seconds DESC NULLS LAST, coalesce(received_at, CAST(arrival_date AS TIMESTAMP)) DESC, record_key DESC
    ) AS place
    FROM stress_details
  ) WHERE place = 1
),
-- Of several records of a night the one with the most values counts, then the longest, then the one received last.
hrv_night AS (
  SELECT * FROM (
    SELECT *, row_number() OVER (
      PARTITION BY user_id, day
      ORDER BY hrv_value_count DESC NULLS LAST, duration_seconds DESC NULLS LAST,
        coalesce(received_at, CAST(arrival_date AS TIMESTAMP)) DESC, record_key DESC
    ) AS place
    FROM hrv
  ) WHERE place = 1
),
fitness_day AS (
  SELECT * FROM (
    SELECT *, row_number() OVER (
      PARTITION BY user_id, day
      ORDER BY coalesce(received_at, CAST(arrival_date AS TIMESTAMP)) DESC, record_key DESC
    ) AS place
    FROM user_metrics
  ) WHERE place = 1
),
-- Every version of every sleep: time asleep is the sum of the stages, else the duration; the end is the last stage's,
-- unless it lies before start + asleep + awake + unmeasurable or more than a day after the start.
sleep_versions AS (
  SELECT *, start_time_seconds AS begins,
    CASE WHEN levels_end_seconds <= start_time_seconds + 86400 AND levels_end_seconds > counted_end
      THEN levels_end_seconds ELSE counted_end END AS ends
  FROM (
    SELECT *, stages > 0 AS has_stages,
      start_time_seconds + asleep + coalesce(awake_seconds, 0) + coalesce(unmeasurable_seconds, 0) AS counted_end
    FROM (
      SELECT *, coalesce(nullif(stages, 0), duration_seconds) AS asleep
      FROM (
        SELECT *, coalesce(deep_seconds, 0) + coalesce(light_seconds, 0) + coalesce(rem_seconds, 0) AS stages
        FROM sleeps
      )
    )
  )
),
believed_versions AS (
  SELECT *,
    CASE
      WHEN validation IN ('DEVICE', 'AUTO_FINAL', 'ENHANCED_FINAL', 'AUTO_MANUAL', 'MANUAL') THEN 2
      WHEN validation IN ('AUTO_TENTATIVE', 'ENHANCED_TENTATIVE') THEN 1
      ELSE 0
    END AS tier,
    CASE validation
      WHEN 'OFF_WRIST' THEN 1
      WHEN 'AUTO_TENTATIVE' THEN 1 WHEN 'ENHANCED_TENTATIVE' THEN 2
      WHEN 'DEVICE' THEN 1 WHEN 'AUTO_FINAL' THEN 2 WHEN 'ENHANCED_FINAL' THEN 3
      WHEN 'AUTO_MANUAL' THEN 4 WHEN 'MANUAL' THEN 5
      ELSE 0
    END AS code_rank
  FROM sleep_versions
),
-- What lies within a version of the same trust, and is neither longer asleep nor by a better code, is a part of it.
-- Final before tentative before all else; then received last; then the rank of the code; then longest.
ranked_versions AS (
  SELECT *, row_number() OVER (
    PARTITION BY user_id
    ORDER BY tier DESC, coalesce(received_at, CAST(arrival_date AS TIMESTAMP)) DESC, code_rank DESC, asleep DESC,
      record_key DESC
  ) AS place
  FROM believed_versions part
  WHERE NOT EXISTS (
    SELECT 1 FROM believed_versions whole
    WHERE whole.user_id = part.user_id AND whole.tier = part.tier
      AND whole.begins <= part.begins AND part.ends <= whole.ends
      AND whole.ends - whole.begins > part.ends - part.begins
      AND whole.code_rank >= part.code_rank AND whole.asleep >= part.asleep
  )
),
-- Best first, a version stays when it overlaps none that stayed: a fold over all versions of a user, whatever their weeks.
versions_of_user AS (
  SELECT user_id, array_sort(collect_list(struct(place, begins, ends, record_key))) AS versions
  FROM ranked_versions GROUP BY user_id
),
episodes AS (
  SELECT r.*
  FROM (
    SELECT user_id, explode(aggregate(
      versions,
      slice(versions, 1, 0),
      (stayed, v) -> IF(
        exists(stayed, s -> (v.begins < s.ends AND s.begins < v.ends) OR v.begins = s.begins),
        stayed,
        concat(stayed, array(v))
      )
    )) AS kept
    FROM versions_of_user
  ) k
  JOIN ranked_versions r ON r.user_id = k.user_id AND r.place = k.kept.place
),
-- The longest sleep of a day is its night; what was slept beside it joins the naps that were listed.
sleep_days AS (
  SELECT *,
    row_number() OVER (PARTITION BY user_id, day ORDER BY asleep DESC, place) AS by_length,
    count(*) OVER (PARTITION BY user_id, day) AS sleeps,
    sum(round(CAST(asleep AS DECIMAL(24, 12)) / 60, 10)) OVER (PARTITION BY user_id, day) AS all_minutes,
    sum(round(CAST(coalesce(total_nap_seconds, nap_seconds) AS DECIMAL(24, 12)) / 60, 10))
      OVER (PARTITION BY user_id, day) AS listed_minutes
  FROM episodes
),
night AS (
  SELECT *,
    round(CAST(asleep AS DECIMAL(24, 12)) / 60, 10) AS sleep_minutes,
    begins + utc_offset_seconds AS local_begin,
    ends + utc_offset_seconds AS local_end
  FROM sleep_days WHERE by_length = 1
)
SELECT
  d.user_id,
  d.day,
  'garmin' AS source,
  coalesce(least(w.wear_minutes, CAST(w.duration_seconds AS DECIMAL(18, 0)) / 60) >= 600, true) AS worn,
  w.steps,
  IF(w.distance_m = 0 AND w.steps > 0, NULL, round(CAST(w.distance_m AS DECIMAL(24, 12)), 10)) AS distance_m,
  IF(w.active_kcal = 0 AND w.steps >= 1000, NULL, w.active_kcal) AS active_kcal,
  w.floors,
  round(CAST(w.moderate_intensity_seconds AS DECIMAL(24, 12)) / 60, 10) AS moderate_minutes,
  round(CAST(w.vigorous_intensity_seconds AS DECIMAL(24, 12)) / 60, 10) AS vigorous_minutes,
  CASE WHEN w.moderate_intensity_seconds IS NOT NULL OR w.vigorous_intensity_seconds IS NOT NULL THEN
    coalesce(round(CAST(w.moderate_intensity_seconds AS DECIMAL(24, 12)) / 60, 10), 0)
    + 2 * coalesce(round(CAST(w.vigorous_intensity_seconds AS DECIMAL(24, 12)) / 60, 10), 0)
  END AS mvpa_equivalent_minutes,
  w.wear_minutes,
  w.resting_hr_bpm,
  w.min_hr_bpm,
  w.max_hr_bpm,
  w.mean_hr_bpm,
  h.last_night_avg AS hrv_rmssd_ms,
  n.sleep_minutes,
  -- Zeros in all stages, all levels of stress, or metres beside steps are values that are not known.
  round(CAST(IF(n.has_stages, n.deep_seconds, NULL) AS DECIMAL(24, 12)) / 60, 10) AS deep_minutes,
  round(CAST(IF(n.has_stages, n.light_seconds, NULL) AS DECIMAL(24, 12)) / 60, 10) AS light_minutes,
  round(CAST(IF(n.has_stages, n.rem_seconds, NULL) AS DECIMAL(24, 12)) / 60, 10) AS rem_minutes,
  round(CAST(n.awake_seconds AS DECIMAL(24, 12)) / 60, 10) AS awake_minutes,
  round(CAST(n.ends - n.begins AS DECIMAL(24, 12)) / 60, 10) AS time_in_bed_minutes,
  round(
    100 * CAST(n.asleep AS DECIMAL(18, 6))
    / nullif(CAST(n.asleep + n.awake_seconds + coalesce(n.unmeasurable_seconds, 0) AS DECIMAL(9, 0)), 0),
    10
  ) AS sleep_efficiency_pct,
  n.overall_score AS sleep_score,
  round(CAST(n.local_begin % 86400 AS DECIMAL(24, 12)) / 60, 10) AS bedtime_minute,
  round(CAST(n.local_end % 86400 AS DECIMAL(24, 12)) / 60, 10) AS wake_minute,
  round(CAST((n.local_begin + n.local_end) % 172800 AS DECIMAL(24, 12)) / 120, 10) AS midsleep_minute,
  CASE WHEN n.listed_minutes IS NOT NULL OR n.sleeps > 1
    THEN coalesce(n.listed_minutes, 0) + n.all_minutes - n.sleep_minutes END AS nap_minutes,
  n.asleep_intervals,
  -- The summary of the day goes before the stress details, metric by metric.
  coalesce(w.average_stress_level, s.mean_stress) AS stress_mean,
  coalesce(w.max_stress_level, s.max_stress) AS stress_max,
  coalesce(round(CAST(IF(w.has_stress, w.rest_stress_seconds, NULL) AS DECIMAL(24, 12)) / 60, 10), s.rest_minutes) AS rest_stress_minutes,
  coalesce(round(CAST(IF(w.has_stress, w.low_stress_seconds, NULL) AS DECIMAL(24, 12)) / 60, 10), s.low_minutes) AS low_stress_minutes,
  coalesce(round(CAST(IF(w.has_stress, w.medium_stress_seconds, NULL) AS DECIMAL(24, 12)) / 60, 10), s.medium_minutes) AS medium_stress_minutes,
  coalesce(round(CAST(IF(w.has_stress, w.high_stress_seconds, NULL) AS DECIMAL(24, 12)) / 60, 10), s.high_minutes) AS high_stress_minutes,
  round(CAST(IF(w.has_stress, w.activity_stress_seconds, NULL) AS DECIMAL(24, 12)) / 60, 10) AS activity_stress_minutes,
  IF(coalesce(w.body_battery_charged, 0) + coalesce(w.body_battery_drained, 0) = 0 AND w.steps >= 1000, NULL, w.body_battery_charged) AS body_battery_charged,
  IF(coalesce(w.body_battery_charged, 0) + coalesce(w.body_battery_drained, 0) = 0 AND w.steps >= 1000, NULL, w.body_battery_drained) AS body_battery_drained,
  n.respiration_mean_brpm,
  n.spo2_mean_pct,
  n.spo2_min_pct,
  f.vo2_max AS vo2max,
  f.fitness_age AS fitness_age_years
FROM all_days d
LEFT JOIN whole_day w ON w.user_id = d.user_id AND w.day = d.day
LEFT JOIN stress_day s ON s.user_id = d.user_id AND s.day = d.day
LEFT JOIN hrv_night h ON h.user_id = d.user_id AND h.day = d.day
LEFT JOIN night n ON n.user_id = d.user_id AND n.day = d.day
LEFT JOIN fitness_day f ON f.user_id = d.user_id AND f.day = d.day
