/** What the charts and the list of gaps are made of: values by week, and why one is missing. */

export const WEEKS = 13;

/** Units of the daily metrics that the page shows. */
export const UNITS = { steps: "steps", sleep_minutes: "hours", resting_hr_bpm: "bpm", hrv_rmssd_ms: "ms", hrv_sdnn_ms: "ms", stress_mean: "points" };

/** A chart: the weekly column, its metric, the group that names the source, where its axis begins and ends, and its unit. */
const chart = (metric, aggregate, group, axis = {}, unit = UNITS[metric]) => ({ metric, column: `${metric}_${aggregate}`, group, unit, axis });
const answer = (metric) => chart(metric, "last", "survey", { low: 0, high: 100 }, "points");
const RMSSD = chart("hrv_rmssd_ms", "mean", "heart");
const SDNN = chart("hrv_sdnn_ms", "mean", "heart");
const MEASURES = [
  chart("steps", "mean", "activity", { low: 0 }),
  chart("sleep_minutes", "mean", "sleep", { low: 0 }),
  chart("resting_hr_bpm", "mean", "heart"),
  RMSSD,
  chart("stress_mean", "mean", "stress", { low: 0, high: 100 }),
];
const ANSWERS = ["physical", "psychological", "social", "environment"].map((domain) => answer(`whoqol_${domain}_t100`));

export const COLUMNS = [...MEASURES, SDNN, ...ANSWERS].map((one) => one.column);

const DAY_MS = 86_400_000;
const dayAfter = (day, days) => new Date(Date.parse(day) + days * DAY_MS).toISOString().slice(0, 10);

/** The charts of a summary of weeks; of the two heart rate variabilities the one that more weeks have. */
export function chartsOf(summary) {
  const byWeek = new Map(summary.rows.map((row) => [row.week_start, row]));
  const starts = Array.from({ length: WEEKS }, (_, n) => dayAfter(summary.to, -6 - 7 * (WEEKS - 1 - n)));
  const made = (one) => {
    const weeks = starts.map((start) => weekOf(one, start, byWeek.get(start)));
    return { ...one, weeks, known: weeks.filter((week) => week.value !== null).length };
  };
  const measures = MEASURES.map(made);
  const sdnn = made(SDNN);
  const variability = measures.findIndex((one) => one.metric === RMSSD.metric);
  if (sdnn.known > measures[variability].known) measures[variability] = sdnn;
  const all = { measures, answers: ANSWERS.map(made) };
  for (const one of [...all.measures, ...all.answers]) {
    for (const week of one.weeks) week.why = reason(one, week, summary.as_of);
  }
  return all;
}

function weekOf(one, start, row) {
  const scale = one.unit === "hours" ? 60 : 1;
  const value = row?.[one.column] ?? null;
  return {
    start,
    has_row: row !== undefined,
    value: value === null ? null : value / scale,
    days: row?.[`${one.metric}_days`] ?? 0,
    source: row?.[`${one.group}_source`] ?? null,
  };
}

/** Why a week has no value, or fewer than seven days: a name of a text and its values; null where nothing is missing. */
function reason(one, week, asOf) {
  if (week.value !== null) return one.group === "survey" || week.days >= 7 ? null : ["some_days", { days: week.days }];
  if (asOf === null || asOf < dayAfter(week.start, 7)) return ["not_run", {}];
  if (one.group === "survey") return ["no_answers", {}];
  if (!week.has_row) return ["no_week", {}];
  if (one.known === 0) return ["not_measured", {}];
  return week.days > 0 ? ["too_few", { days: week.days }] : ["no_day", {}];
}
