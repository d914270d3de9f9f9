-- Every column of weekly_metrics as a row (name, number, text), worked out from daily rows in nothing but Spark SQL.
-- Views: oracle_days (user_id, day, source, worn, metric, value: one row per metric, also where it is null), oracle_nights
-- (user_id, day, source, intervals, bed, wake), holidays (day) and what schemas/metrics says: metrics, groups, anchors, own_days, precedence, asked (columns by aggregate), derived, derived_parts.
-- Each part makes the view it names, for the parts after it.

-- view: people
  SELECT user_id, week, count(DISTINCT day) AS days_observed FROM oracle_days GROUP BY user_id, week

-- A valid day: an anchor of the group is known and, where the group asks for it, the day was worn.
-- view: valid
  SELECT DISTINCT d.user_id, d.week, d.day, d.source, g.grp
  FROM oracle_days d
  JOIN anchors a ON a.metric = d.metric
  JOIN groups g ON g.grp = a.grp
  WHERE d.value IS NOT NULL AND (d.worn OR NOT g.needs_wear)

-- Days on which a metric counts that needs no anchor.
-- view: own
  SELECT d.user_id, d.week, d.day, d.source, o.grp, o.metric
  FROM oracle_days d
  JOIN own_days o ON o.metric = d.metric
  JOIN groups g ON g.grp = o.grp
  WHERE d.value IS NOT NULL AND (d.worn OR NOT g.needs_wear)

-- The source with most valid days gives the group, without any that with most days; ties by precedence, then by name.
-- view: chosen
  SELECT * FROM (
    SELECT v.*, row_number() OVER (
      PARTITION BY v.user_id, v.week, v.grp ORDER BY v.valid_days DESC, IF(v.valid_days = 0, v.days, 0) DESC, coalesce(p.place, 1000), v.source
    ) AS nth
    FROM (
      SELECT user_id, week, grp, source, count(DISTINCT valid_on) AS valid_days, count(DISTINCT day) AS days FROM (
        SELECT user_id, week, grp, source, day, day AS valid_on FROM valid
        UNION ALL SELECT user_id, week, grp, source, day, NULL FROM own
      ) GROUP BY user_id, week, grp, source
    ) v
    LEFT JOIN precedence p ON p.grp = v.grp AND p.source = v.source
  ) WHERE nth = 1

-- Sums are of decimals, hence exact. Days keep ten decimals, so what is a half with eight is taken for one.
-- view: stats
WITH known AS (
  SELECT d.user_id, d.week, m.grp, d.metric, m.scale, d.day, datediff(d.day, d.week) AS t, d.value,
    weekday(d.day) >= 5 OR d.day IN (SELECT day FROM holidays) AS free,
    CAST(d.value AS DOUBLE) * 2 * pi() / 1440 AS angle
  FROM chosen c
  JOIN metrics m ON m.grp = c.grp
  JOIN (
    SELECT user_id, week, day, source, grp, metric FROM valid JOIN metrics USING (grp)
    UNION SELECT user_id, week, day, source, grp, metric FROM own
  ) v ON v.user_id = c.user_id AND v.week = c.week AND v.grp = c.grp AND v.source = c.source AND v.metric = m.metric
  JOIN oracle_days d ON d.user_id = v.user_id AND d.day = v.day AND d.source = v.source AND d.metric = m.metric
  WHERE d.value IS NOT NULL
)
  SELECT user_id, week, metric, first(scale) AS scale, count(*) AS n, round(sum(value), 8) AS total,
    round(sum(value) / count(*), 8) AS mean,
    round(CAST(percentile(CAST(value * 10000000000 AS BIGINT), 0.5) AS DECIMAL(20, 1)) / 10000000000, 8) AS median,
    sqrt(CAST(count(*) * sum(value * value) - sum(value) * sum(value) AS DOUBLE)) AS spread,
    round(min(value), 8) AS least_value, round(max(value), 8) AS greatest_value, round(max_by(value, day), 8) AS latest,
    avg(sin(angle)) AS s, avg(cos(angle)) AS c,
    regr_slope(CAST(value AS DOUBLE), CAST(t AS DOUBLE)) AS slope,
    avg(ln(CAST(value AS DOUBLE))) AS ln_mean, stddev_samp(ln(CAST(value AS DOUBLE))) AS ln_sd,
    sum(value) FILTER (WHERE t < 5) AS weekday_sum, count(*) FILTER (WHERE t < 5) AS weekday_n,
    sum(value) FILTER (WHERE t >= 5) AS weekend_sum, count(*) FILTER (WHERE t >= 5) AS weekend_n,
    count(*) FILTER (WHERE NOT free) AS work_n, count(*) FILTER (WHERE free) AS free_n,
    avg(CAST(value AS DOUBLE)) FILTER (WHERE NOT free) AS work_mean,
    avg(CAST(value AS DOUBLE)) FILTER (WHERE free) AS free_mean,
    avg(sin(angle)) FILTER (WHERE NOT free) AS work_s, avg(cos(angle)) FILTER (WHERE NOT free) AS work_c,
    avg(sin(angle)) FILTER (WHERE free) AS free_s, avg(cos(angle)) FILTER (WHERE free) AS free_c
  FROM known GROUP BY user_id, week, metric

-- view: aggregates
WITH circles AS (
  SELECT *, sqrt(s * s + c * c) AS r, round(pmod(atan2(s, c) * 1440 / (2 * pi()), 1440), 2) AS direction FROM stats
)
  SELECT user_id, week, metric, stack(13,
    'mean', CAST(round(mean, 2) AS DOUBLE),
    'median', CAST(round(median, 2) AS DOUBLE),
    'sd', CASE WHEN n >= 2 THEN round(spread / sqrt(n * (n - 1)), 2) END,
    'min', CAST(round(least_value * scale) AS DOUBLE) / scale,
    'max', CAST(round(greatest_value * scale) AS DOUBLE) / scale,
    'sum', CAST(round(total * scale) AS DOUBLE) / scale,
    'last', CAST(round(latest * scale) AS DOUBLE) / scale,
    'circular_mean', CASE WHEN r > 1e-9 THEN IF(direction >= 1440, CAST(0 AS DOUBLE), direction) END,
    'circular_sd', CASE WHEN n >= 2 AND r > 1e-9
      THEN round(sqrt(-2 * ln(least(r, CAST(1 AS DOUBLE)))) * 1440 / (2 * pi()), 2) END,
    'weekday_mean', CAST(round(round(weekday_sum / weekday_n, 8), 2) AS DOUBLE),
    'weekend_mean', CAST(round(round(weekend_sum / weekend_n, 8), 2) AS DOUBLE),
    'weighted_mean', CAST(round(round(
      (5 * weekday_sum * weekend_n + 2 * weekend_sum * weekday_n) / nullif(7 * weekday_n * weekend_n, 0), 8), 2) AS DOUBLE),
    'days', CAST(n AS DOUBLE)
  ) AS (aggregate, number)
  FROM circles

-- Middles of sleep on work and free days, in minutes; the correction is of mean minutes in bed.
-- view: middles
  SELECT m.user_id, m.week, m.work_n, m.free_n,
    IF(m.work_n > 0, pmod(atan2(m.work_s, m.work_c) * 1440 / (2 * pi()), 1440), NULL) AS work_middle,
    IF(m.free_n > 0, pmod(atan2(m.free_s, m.free_c) * 1440 / (2 * pi()), 1440), NULL) AS free_middle,
    b.free_mean - b.work_mean AS longer,
    5 - (SELECT count(*) FROM holidays h WHERE h.day BETWEEN m.week AND date_add(m.week, 4)) AS work_days
  FROM stats m LEFT JOIN stats b ON b.user_id = m.user_id AND b.week = m.week AND b.metric = 'time_in_bed_minutes'
  WHERE m.metric = 'midsleep_minute'

-- Every minute asleep of the noon-to-noon windows of the week's source, the night before the week included.
-- view: nights
  SELECT DISTINCT c.user_id, c.week, n.day, n.intervals, n.bed, n.wake
  FROM chosen c JOIN oracle_nights n
    ON n.user_id = c.user_id AND n.source = c.source AND n.day BETWEEN date_add(c.week, -1) AND date_add(c.week, 6)
  WHERE c.grp = 'sleep'

-- view: minutes
WITH stretches AS (
  SELECT user_id, week, day, intervals[i] AS start, intervals[i + 1] AS stop
  FROM nights LATERAL VIEW explode(sequence(0, size(intervals) - 2, 2)) AS i WHERE size(intervals) > 0
  UNION ALL
  SELECT user_id, week, day, IF(round(bed) <= round(wake), round(bed), round(bed) - 1440), round(wake)
  FROM nights WHERE intervals IS NULL OR size(intervals) = 0
)
  SELECT DISTINCT user_id, week, datediff(day, week) * 1440 + minute AS minute
  FROM stretches LATERAL VIEW explode(sequence(CAST(start AS INT), CAST(stop AS INT) - 1)) AS minute
  WHERE start < stop

-- view: regular
WITH pairs AS (
  SELECT a.user_id, a.week, datediff(a.day, a.week) AS t
  FROM nights a JOIN nights b ON b.user_id = a.user_id AND b.week = a.week AND b.day = date_add(a.day, 1)
),
states AS (
  SELECT p.user_id, p.week, p.t, m.minute - p.t * 1440 AS minute
  FROM pairs p JOIN minutes m ON m.user_id = p.user_id AND m.week = p.week
    AND m.minute >= p.t * 1440 - 720 AND m.minute < p.t * 1440 + 2160
),
-- A minute asleep in one of two days is there once, in both twice.
once AS (
  SELECT user_id, week, t, pmod(minute, 1440) AS clock FROM states GROUP BY user_id, week, t, pmod(minute, 1440) HAVING count(*) = 1
),
counted AS (SELECT user_id, week, count(*) AS pairs FROM pairs GROUP BY user_id, week),
differing AS (SELECT user_id, week, count(*) AS minutes FROM once GROUP BY user_id, week)
  SELECT c.user_id, c.week, c.pairs, 100 - 200 * coalesce(d.minutes, 0) / (1440 * c.pairs) AS score
  FROM counted c LEFT JOIN differing d ON d.user_id = c.user_id AND d.week = c.week

-- view: changes
  SELECT a.user_id, a.week, d.name, round(a.number - b.number, 2) AS number
  FROM derived d
  JOIN groups g ON g.grp = d.grp
  JOIN aggregates a ON a.metric = d.metric AND a.aggregate = d.aggregate
  JOIN aggregates b ON b.user_id = a.user_id AND b.week = date_add(a.week, -7) AND b.metric = a.metric AND b.aggregate = a.aggregate
  JOIN chosen ca ON ca.user_id = a.user_id AND ca.week = a.week AND ca.grp = d.grp
  JOIN chosen cb ON cb.user_id = b.user_id AND cb.week = b.week AND cb.grp = d.grp AND cb.source = ca.source
  WHERE d.formula = 'change' AND ca.valid_days >= g.min_valid_days AND cb.valid_days >= g.min_valid_days

-- view: oracle_weekly
WITH
-- Formulas of their own: trend, logarithms, shares of the week's sums, a threshold.
parts AS (
  SELECT s.user_id, s.week, p.name,
    sum(CASE WHEN p.role = 'of' THEN s.total END) AS of_sum, sum(CASE WHEN p.role = 'total' THEN s.total END) AS total_sum,
    count(CASE WHEN p.role = 'total' AND p.metric <> d.metric THEN 1 END) AS others
  FROM derived_parts p JOIN derived d ON d.name = p.name JOIN stats s ON s.metric = p.metric
  GROUP BY s.user_id, s.week, p.name
),
formulas AS (
  SELECT s.user_id, s.week, d.name,
    CASE WHEN s.n >= d.min_days THEN
      CASE d.formula
        WHEN 'slope' THEN round(s.slope, 6)
        WHEN 'ln_mean' THEN round(s.ln_mean, 6)
        WHEN 'ln_cv' THEN round(100 * s.ln_sd / s.ln_mean, 6)
        WHEN 'share_of_sums' THEN
          IF(p.others > 0, round(CAST(p.of_sum AS DOUBLE) / CAST(nullif(p.total_sum, 0) AS DOUBLE), 6), NULL)
        WHEN 'sum_at_least' THEN
          CASE WHEN round(s.total * s.scale) / s.scale >= d.threshold THEN 1 WHEN c.valid_days >= g.min_valid_days THEN 0 END
        WHEN 'work_days' THEN m.work_n
        WHEN 'free_days' THEN m.free_n
        WHEN 'work_mean' THEN IF(m.work_n >= d.min_work_days, round(m.work_middle, 2), NULL)
        WHEN 'free_mean' THEN IF(m.free_n >= d.min_free_days, round(m.free_middle, 2), NULL)
        WHEN 'work_free_distance' THEN IF(m.work_n >= d.min_work_days AND m.free_n >= d.min_free_days, round(least(
          abs(m.free_middle - m.work_middle), 1440 - abs(m.free_middle - m.work_middle)), 2), NULL)
        WHEN 'free_corrected' THEN IF(m.work_n >= d.min_work_days AND m.free_n >= d.min_free_days AND m.longer IS NOT NULL,
          round(pmod(m.free_middle - greatest(m.work_days * m.longer / 14, 0), 1440), 2), NULL)
        ELSE CAST(raise_error(concat('no SQL for ', d.formula)) AS DOUBLE)
      END
    END AS number
  FROM derived d
  JOIN stats s ON s.metric = d.metric
  JOIN groups g ON g.grp = d.grp
  JOIN chosen c ON c.user_id = s.user_id AND c.week = s.week AND c.grp = d.grp
  LEFT JOIN parts p ON p.user_id = s.user_id AND p.week = s.week AND p.name = d.name
  LEFT JOIN middles m ON m.user_id = s.user_id AND m.week = s.week
  -- Those of rooms are not here: the sample has none, tests/transform has them by hand.
  WHERE d.formula NOT IN ('regularity', 'regularity_pairs', 'change', 'mean_by_count', 'coverage')
  UNION ALL SELECT user_id, week, name, number FROM changes
  UNION ALL
  SELECT r.user_id, r.week, d.name, CASE
    WHEN d.formula = 'regularity_pairs' THEN r.pairs
    WHEN r.pairs >= d.min_days THEN round(r.score, 3)
  END
  FROM derived d CROSS JOIN regular r WHERE d.formula IN ('regularity', 'regularity_pairs')
),
group_columns AS (
  SELECT p.user_id, p.week, stack(3,
    concat(g.grp, '_source'), NULL, c.source,
    concat(g.grp, '_valid_days'), CAST(coalesce(c.valid_days, 0) AS DOUBLE), NULL,
    concat(g.grp, '_valid'), CAST(coalesce(c.valid_days, 0) >= g.min_valid_days AS DOUBLE), NULL
  ) AS (name, number, text)
  FROM people p CROSS JOIN groups g
  LEFT JOIN chosen c ON c.user_id = p.user_id AND c.week = p.week AND c.grp = g.grp
),
week_columns AS (
  SELECT user_id, week, stack(3,
    'week_end', NULL, CAST(date_add(week, 6) AS STRING),
    'iso_week', NULL, concat(extract(YEAROFWEEK FROM week), '-W', lpad(extract(WEEK FROM week), 2, '0')),
    'days_observed', CAST(days_observed AS DOUBLE), NULL
  ) AS (name, number, text)
  FROM people
)
SELECT user_id, week, name, number, text FROM week_columns
UNION ALL
SELECT user_id, week, name, number, text FROM group_columns
UNION ALL
-- Without any value a metric is null, and its count of days is 0.
SELECT p.user_id, p.week, a.name, IF(a.aggregate = 'days', coalesce(v.number, 0), v.number), NULL
FROM people p CROSS JOIN asked a
LEFT JOIN aggregates v
  ON v.user_id = p.user_id AND v.week = p.week AND v.metric = a.metric AND v.aggregate = a.aggregate
UNION ALL
SELECT p.user_id, p.week, d.name,
  IF(d.formula IN ('work_days', 'free_days', 'regularity_pairs'), coalesce(f.number, 0), f.number), NULL
FROM people p CROSS JOIN derived d
LEFT JOIN formulas f ON f.user_id = p.user_id AND f.week = p.week AND f.name = d.name
