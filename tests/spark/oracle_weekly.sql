-- Every column of weekly_metrics as a row (name, number, text), worked out from daily rows in nothing but Spark SQL.
-- Views: oracle_days (user_id, day, source, worn, metric, value: one row per metric, also where it is null) and what
-- schemas/metrics says: metrics, groups, anchors, precedence, asked (columns by aggregate), derived, derived_parts.
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

-- The source with most valid days gives the group, ties by precedence, then by name.
-- view: chosen
  SELECT * FROM (
    SELECT v.*, row_number() OVER (
      PARTITION BY v.user_id, v.week, v.grp ORDER BY v.valid_days DESC, coalesce(p.place, 1000), v.source
    ) AS nth
    FROM (SELECT user_id, week, grp, source, count(*) AS valid_days FROM valid GROUP BY user_id, week, grp, source) v
    LEFT JOIN precedence p ON p.grp = v.grp AND p.source = v.source
  ) WHERE nth = 1

-- Sums are of decimals, hence exact; the median is of whole hundredths.
-- view: stats
WITH known AS (
  SELECT d.user_id, d.week, m.grp, d.metric, d.day, datediff(d.day, d.week) AS t, d.value,
    CAST(d.value AS DOUBLE) * 2 * pi() / 1440 AS angle
  FROM chosen c
  JOIN valid v ON v.user_id = c.user_id AND v.week = c.week AND v.grp = c.grp AND v.source = c.source
  JOIN metrics m ON m.grp = c.grp
  JOIN oracle_days d ON d.user_id = v.user_id AND d.day = v.day AND d.source = v.source AND d.metric = m.metric
  WHERE d.value IS NOT NULL
)
  SELECT user_id, week, metric, count(*) AS n, sum(value) AS total,
    sum(value) / count(*) AS mean,
    CAST(percentile(CAST(value * 100 AS BIGINT), 0.5) AS DECIMAL(18, 1)) / 100 AS median,
    sqrt(CAST(count(*) * sum(value * value) - sum(value) * sum(value) AS DOUBLE)) AS spread,
    min(value) AS least_value, max(value) AS greatest_value, max_by(value, day) AS latest,
    avg(sin(angle)) AS s, avg(cos(angle)) AS c,
    regr_slope(CAST(value AS DOUBLE), CAST(t AS DOUBLE)) AS slope,
    avg(ln(CAST(value AS DOUBLE))) AS ln_mean, stddev_samp(ln(CAST(value AS DOUBLE))) AS ln_sd
  FROM known GROUP BY user_id, week, metric

-- view: oracle_weekly
WITH
circles AS (
  SELECT *, sqrt(s * s + c * c) AS r, round(pmod(atan2(s, c) * 1440 / (2 * pi()), 1440), 2) AS direction FROM stats
),
aggregates AS (
  SELECT user_id, week, metric, stack(10,
    'mean', CAST(round(mean, 2) AS DOUBLE),
    'median', CAST(round(median, 2) AS DOUBLE),
    'sd', CASE WHEN n >= 2 THEN round(spread / sqrt(n * (n - 1)), 2) END,
    'min', CAST(least_value AS DOUBLE),
    'max', CAST(greatest_value AS DOUBLE),
    'sum', CAST(total AS DOUBLE),
    'last', CAST(latest AS DOUBLE),
    'circular_mean', CASE WHEN r > 1e-9 THEN IF(direction >= 1440, CAST(0 AS DOUBLE), direction) END,
    'circular_sd', CASE WHEN n >= 2 AND r > 1e-9
      THEN round(sqrt(-2 * ln(least(r, CAST(1 AS DOUBLE)))) * 1440 / (2 * pi()), 2) END,
    'days', CAST(n AS DOUBLE)
  ) AS (aggregate, number)
  FROM circles
),
-- Formulas of their own: trend, logarithms, shares of the week's sums, a threshold.
parts AS (
  SELECT s.user_id, s.week, p.name,
    sum(CASE WHEN p.role = 'of' THEN s.total END) AS of_sum, sum(CASE WHEN p.role = 'total' THEN s.total END) AS total_sum
  FROM derived_parts p JOIN stats s ON s.metric = p.metric
  GROUP BY s.user_id, s.week, p.name
),
formulas AS (
  SELECT s.user_id, s.week, d.name,
    CASE WHEN s.n >= d.min_days THEN
      CASE d.formula
        WHEN 'slope' THEN round(s.slope, 6)
        WHEN 'ln_mean' THEN round(s.ln_mean, 6)
        WHEN 'ln_cv' THEN round(100 * s.ln_sd / s.ln_mean, 6)
        WHEN 'share_of_sums' THEN round(CAST(p.of_sum AS DOUBLE) / CAST(nullif(p.total_sum, 0) AS DOUBLE), 6)
        WHEN 'sum_at_least' THEN
          CASE WHEN s.total >= d.threshold THEN 1 WHEN c.valid_days >= g.min_valid_days THEN 0 END
        ELSE CAST(raise_error(concat('no SQL for ', d.formula)) AS DOUBLE)
      END
    END AS number
  FROM derived d
  JOIN stats s ON s.metric = d.metric
  JOIN groups g ON g.grp = d.grp
  JOIN chosen c ON c.user_id = s.user_id AND c.week = s.week AND c.grp = d.grp
  LEFT JOIN parts p ON p.user_id = s.user_id AND p.week = s.week AND p.name = d.name
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
SELECT p.user_id, p.week, d.name, f.number, NULL
FROM people p CROSS JOIN derived d
LEFT JOIN formulas f ON f.user_id = p.user_id AND f.week = p.week AND f.name = d.name
