/** The page: what is read of the API as charts, tables and sentences, in English or Japanese. */

import { forgetToken, readAll, Refused, setToken, takeToken, token } from "./api.js";
import { SOURCES, TEXTS } from "./texts.js";
import { chartsOf, COLUMNS, UNITS, WEEKS } from "./weeks.js";

const LANGUAGE = "qol-language";
const find = (id) => document.getElementById(id);
let language = languageAtStart();
let shown = null;

function languageAtStart() {
  const asked = new URLSearchParams(location.search).get("lang") ?? sessionStorage.getItem(LANGUAGE) ?? navigator.language;
  return asked.startsWith("ja") ? "ja" : "en";
}

/** A text in the page's language with its values. */
const say = (name, values = {}) => TEXTS[language][name].replace(/\{(\w+)\}/g, (_, key) => values[key]);
const metricName = (metric) => TEXTS[language].metrics[metric] ?? metric.replaceAll("_", " ");
const sourceName = (source) => SOURCES[source] ?? source;
const number = (value) => new Intl.NumberFormat(language, { maximumFractionDigits: Math.abs(value) < 100 ? 1 : 0 }).format(value);
const dayName = (day) => new Intl.DateTimeFormat(language, { month: "short", day: "numeric", timeZone: "UTC" }).format(new Date(day));

/** A value with its unit; hours as hours and minutes. */
function valued(value, unit) {
  if (unit !== "hours") return [number(value), TEXTS[language].units[unit]].filter(Boolean).join(" ");
  const minutes = Math.round(value * 60);
  return say("hours", { hours: Math.floor(minutes / 60), minutes: String(minutes % 60).padStart(2, "0") });
}

const metricValue = (metric, value) => (UNITS[metric] === "hours" ? valued(value / 60, "hours") : valued(value, UNITS[metric]));

/** An element with attributes and children; texts are never taken as HTML. */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

const paragraph = (text) => make("p", {}, text);

function figure(one) {
  const title = metricName(one.metric);
  const plot = make("div", { class: "plot", role: "img", "aria-label": describe(one, title) });
  const caption = make("figcaption", {}, title, make("span", { class: "latest" }, latest(one)));
  return { one, plot, element: make("figure", {}, caption, plot, table(one, title)) };
}

/** The last week in words. */
function latest(one) {
  const { start, value, days } = one.weeks.at(-1);
  const week = dayName(start);
  if (value === null) return say("latest_none", { week });
  return say(one.group === "survey" ? "latest_answer" : "latest", { week, value: valued(value, one.unit), days });
}

function describe(one, title) {
  const values = one.weeks.map((week) => week.value).filter((value) => value !== null);
  if (values.length === 0) return say("described_none", { title });
  const [low, high] = [Math.min(...values), Math.max(...values)].map((value) => valued(value, one.unit));
  return say("described", { title, count: values.length, all: one.weeks.length, low, high, latest: latest(one) });
}

function table(one, title) {
  const head = ["week", "value", "days", "source", "note"].map((name) => make("th", { scope: "col" }, say(name)));
  const rows = one.weeks.map((week) => make(
    "tr", {},
    make("th", { scope: "row" }, dayName(week.start)),
    make("td", { class: "number" }, week.value === null ? say("none") : valued(week.value, one.unit)),
    make("td", { class: "number" }, number(week.days)),
    make("td", {}, week.source === null ? "" : sourceName(week.source)),
    make("td", {}, week.why === null ? "" : say(...week.why)),
  ));
  const name = say("as_table", { title });
  const body = make("table", {}, make("caption", {}, title), make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...rows));
  return make("details", {}, make("summary", {}, name), make("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": name }, body));
}

/** Draw a chart into its place in the document, where it has a width. */
function draw({ one, plot }) {
  if (one.known === 0) return;
  const labels = one.weeks.map((week, n) => `${week.days}\n${n % 4 === 0 ? dayName(week.start) : ""}`);
  const series = [one.weeks.map((week) => week.value)];
  const line = new Chartist.LineChart(plot, { labels, series }, {
    ...one.axis, fullWidth: true, lineSmooth: false, chartPadding: { top: 14, right: 28, bottom: 12, left: 0 },
    axisX: { showGrid: false }, axisY: { scaleMinSpace: 34, onlyInteger: true, labelInterpolationFnc: (value) => number(value) },
  });
  line.on("created", ({ svg, chartRect, axisX }) => one.weeks.forEach((week, n) => {
    if (week.value !== null) return;
    const box = { x: chartRect.x1 + n * axisX.stepLength - 5, y: chartRect.y2, width: 10, height: chartRect.height() };
    svg.elem("rect", box, "gap");
  }));
}

function todayFacts(rows) {
  const facts = rows.flatMap((row) => Object.keys(UNITS).filter((metric) => row[metric] != null).map((metric) => make(
    "div", {},
    make("dt", {}, say("of_source", { metric: metricName(metric), source: sourceName(row.source) })),
    make("dd", {}, metricValue(metric, row[metric])),
  )));
  return facts.length ? make("dl", { class: "facts" }, ...facts) : paragraph(say("nothing_today"));
}

function goalState(goal, { today, thisWeek }) {
  const name = say(`goal_${goal.period}`, { metric: metricName(goal.metric) });
  const values = today.map((row) => row[goal.metric] ?? null).filter((value) => value !== null);
  const value = goal.period === "week" ? thisWeek[goal.metric] : values.length ? Math.max(...values) : null;
  const target = metricValue(goal.metric, goal.target);
  if (value === null) return make("div", { class: "goal" }, make("strong", {}, name), paragraph(say("goal_unknown", { target })));
  const percent = Math.floor((100 * value) / goal.target);
  const state = say("goal_state", { value: metricValue(goal.metric, value), target, percent });
  const bar = make("progress", { max: goal.target, value: Math.min(value, goal.target), "aria-label": name });
  const text = value >= goal.target ? `✓ ${say("reached", { state })}` : state;
  return make("div", { class: "goal" }, make("strong", {}, name), bar, paragraph(text));
}

/** What the last week lacks, a line for each measure. */
function missing({ measures, answers }) {
  const last = [...measures, answers[0]].map((one) => [one, one.weeks.at(-1).why]).filter(([, why]) => why !== null);
  if (last.length === 0) return paragraph(say("complete"));
  const title = (one) => (one.group === "survey" ? say("whoqol") : metricName(one.metric));
  return make("ul", {}, ...last.map(([one, why]) => make("li", {}, make("strong", {}, title(one)), `: ${say(...why)}`)));
}

function unusual(found) {
  if (!found?.anomalies.length) return paragraph(say("no_anomalies"));
  return make("ul", {}, ...found.anomalies.map((one) => {
    const metric = one.metric.replace(/_(mean|last|sum)$/, "");
    const values = { metric: metricName(metric), weeks: one.weeks, side: say(one.z > 0 ? "above" : "below") };
    return make("li", {}, say("anomaly", { ...values, value: metricValue(metric, one.value), median: metricValue(metric, one.median) }));
  }));
}

function asOf({ as_of: time, stale }) {
  if (time === null) return say("never");
  const format = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" });
  return [say("as_of", { time: format.format(new Date(time)) }), ...(stale ? [say("stale")] : [])].join(" ");
}

/** The whole page in its language, with what was read. */
function render() {
  document.documentElement.lang = language;
  document.title = say("title");
  for (const element of document.querySelectorAll("[data-text]")) element.textContent = say(element.dataset.text);
  for (const button of document.querySelectorAll("[data-language]")) {
    button.setAttribute("aria-pressed", button.dataset.language === language);
  }
  find("sign-in").hidden = token() !== null;
  find("main").hidden = shown === null;
  if (shown === null) return;
  const charts = chartsOf(shown.summary);
  find("status").textContent = asOf(shown.summary);
  find("today").replaceChildren(todayFacts(shown.today));
  find("goals").replaceChildren(...(shown.goals.length ? shown.goals.map((goal) => goalState(goal, shown)) : [paragraph(say("no_goals"))]));
  find("missing").replaceChildren(missing(charts));
  find("anomalies").replaceChildren(unusual(shown.anomalies));
  for (const [place, group] of [["charts", charts.measures], ["whoqol", charts.answers]]) {
    const figures = group.map(figure);
    find(place).replaceChildren(...figures.map((one) => one.element));
    figures.forEach(draw);
  }
}

async function load() {
  shown = null;
  render();
  if (token() === null) return;
  find("status").textContent = say("loading");
  try {
    shown = await readAll(WEEKS, COLUMNS, Object.keys(UNITS));
    render();
  } catch (problem) {
    if (!(problem instanceof Refused)) throw problem;
    if (problem.text === "wrong_token" || problem.text === "no_access") forgetToken();
    render();
    find("status").textContent = say(problem.text, problem.values);
  }
}

for (const button of document.querySelectorAll("[data-language]")) {
  button.addEventListener("click", () => {
    language = button.dataset.language;
    sessionStorage.setItem(LANGUAGE, language);
    render();
  });
}
find("sign-in").addEventListener("submit", (event) => {
  event.preventDefault();
  setToken(find("token").value);
  find("token").value = "";
  load();
});
find("sign-out").addEventListener("click", () => {
  forgetToken();
  find("status").textContent = "";
  load();
  find("token").focus();
});
addEventListener("hashchange", () => {
  takeToken();
  load();
});
takeToken();
load();
