/** Requests to the API, with the token in a header. */

const TOKEN = "qol-token";

/** When the API does not answer with values: `text` names what to tell the person. */
export class Refused extends Error {
  constructor(text, values = {}) {
    super(text);
    Object.assign(this, { text, values });
  }
}

/** Take a token from the fragment of the address, which no server sees, and remove it there. */
export function takeToken() {
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  if (given === null) return;
  setToken(given);
  history.replaceState(null, "", location.pathname + location.search);
}

export const token = () => sessionStorage.getItem(TOKEN);
export const setToken = (value) => sessionStorage.setItem(TOKEN, value.trim());
export const forgetToken = () => sessionStorage.removeItem(TOKEN);

/** The JSON at a path below /v1; null where there is nothing. */
export async function read(path, query = {}) {
  const asked = new URLSearchParams(query);
  let answer;
  try {
    answer = await fetch(`v1/${path}?${asked}`, { headers: { Authorization: `Bearer ${token()}` } });
  } catch {
    throw new Refused("away");
  }
  if (answer.status === 404) return null;
  if (answer.status === 401) throw new Refused("wrong_token");
  if (answer.status === 403) throw new Refused("no_access");
  if (answer.status === 429) throw new Refused("too_often", { seconds: answer.headers.get("Retry-After") });
  if (!answer.ok) throw new Refused("away", { status: answer.status });
  return answer.json();
}

/** Everything that the page shows of the person whose token it is. */
export async function readAll(weeks, columns, metrics) {
  const [{ goals }, summary, anomalies] = await Promise.all([
    read("goals"),
    read("measurements/summary", { period: "week", last: weeks, fields: columns.join() }),
    read("measurements/anomalies"),
  ]);
  const daily = goals.filter((goal) => goal.period === "day").map((goal) => goal.metric);
  const weekly = goals.filter((goal) => goal.period === "week").map((goal) => goal.metric);
  const [today, ...thisWeek] = await Promise.all([
    read("measurements/summary", { period: "day", so_far: true, fields: [...new Set([...metrics, ...daily])].join() }),
    ...weekly.map(weekSoFar),
  ]);
  const reached = Object.fromEntries(weekly.map((metric, n) => [metric, thisWeek[n]]));
  return { goals, summary, anomalies, today: today.so_far, thisWeek: reached };
}

/** This week's value of a metric, as a goal for a week means it: the sum where there is one, else the mean or the last. */
async function weekSoFar(metric) {
  for (const aggregate of ["sum", "mean", "last"]) {
    const column = `${metric}_${aggregate}`;
    try {
      const found = await read("measurements/summary", { period: "week", so_far: true, fields: column });
      return found.so_far[0]?.[column] ?? null;
    } catch (problem) {
      if (problem.values?.status !== 422) throw problem; // the contracts have no such column
    }
  }
  return null;
}
