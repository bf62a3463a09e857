// What each chart of the board shows, made from the answer of /api/v1/board; Chart.js draws it.
import { DASHES, fill, MARKS, readTheme } from "./look.js";

const LANGUAGE = document.documentElement.lang || "vi";
const number = new Intl.NumberFormat(LANGUAGE, { maximumFractionDigits: 1 });
const share = new Intl.NumberFormat(LANGUAGE, { style: "percent", maximumFractionDigits: 0 });
const hourOf = new Intl.DateTimeFormat("en", { hour: "2-digit", hourCycle: "h23", timeZone: "Asia/Ho_Chi_Minh" });
const SERIES = ["collected", "received", "released"];
const MINUTES = 60;
const ROW_EM = 2.6; // the room of a row of bars with its words
const NARROW_ROW_EM = 3.8;
const NARROW_PX = 420; // names at lines would take half of it
const WALL_PX = 18; // from this size of letters on, every one costs

const hours = (minutes) => (minutes === null ? null : Math.round((minutes / MINUTES) * 100) / 100);

function frame(theme, unit) {
  const font = { family: theme.face, size: theme.size };
  const axis = { grid: { color: theme.grid }, border: { color: theme.quiet }, ticks: { color: theme.quiet, font }, title: { color: theme.quiet, font } };
  return {
    animation: false,
    maintainAspectRatio: false,
    interaction: { mode: "index", intersect: false },
    locale: LANGUAGE,
    layout: { padding: { right: theme.size } },
    scales: { x: structuredClone(axis), y: { ...structuredClone(axis), beginAtZero: true, title: { ...axis.title, display: theme.size < WALL_PX, text: unit } } },
    plugins: { legend: { position: "top", align: "start", labels: { color: theme.ink, font, usePointStyle: true, boxWidth: theme.size * 2 } }, tooltip: { bodyFont: font, titleFont: font } },
  };
}

function lines(theme, words, unit, rows, labelOf, width) {
  const options = frame(theme, unit);
  const isNarrow = width < NARROW_PX;
  options.plugins.legend.display = isNarrow; // else the names stand at the lines
  if (!isNarrow) options.layout.padding.right = theme.size * 0.62 * Math.max(...SERIES.map((name) => words[name].length)) + theme.size;
  options.scales.x.ticks = { ...options.scales.x.ticks, maxRotation: 0, autoSkipPadding: theme.size };
  options.scales.y.ticks.precision = 0;
  return {
    type: "line",
    data: {
      labels: rows.map(labelOf),
      datasets: SERIES.map((name) => ({
        label: words[name],
        data: rows.map((row) => row[name]),
        borderColor: theme.of(name),
        backgroundColor: theme.of(name),
        borderDash: DASHES[name],
        borderWidth: theme.size / 5,
        pointStyle: MARKS[name],
        pointRadius: rows.length > 15 ? theme.size / 5 : theme.size / 3,
      })),
    },
    options,
    plugins: isNarrow ? [] : [namesAtLines(theme)],
  };
}

/** The name of each line at its end; names that would cover each other move apart. */
function namesAtLines(theme) {
  return {
    id: "names",
    afterDatasetsDraw(chart) {
      const pen = chart.ctx;
      const ends = chart.data.datasets.map((set, index) => ({ name: set.label, colour: set.borderColor, y: chart.getDatasetMeta(index).data.at(-1)?.y ?? 0 }));
      ends.sort((one, other) => one.y - other.y);
      const step = theme.size * 1.25;
      const { top, bottom, right } = chart.chartArea;
      ends.forEach((end, index) => {
        const lowest = index ? ends[index - 1].y + step : top + step / 2;
        end.y = Math.max(end.y, lowest);
      });
      for (let index = ends.length - 1, most = bottom; index >= 0; index -= 1, most -= step) ends[index].y = Math.min(ends[index].y, most);
      pen.save();
      pen.font = `600 ${theme.size}px ${theme.face}`;
      pen.textBaseline = "middle";
      for (const end of ends) {
        pen.fillStyle = end.colour;
        pen.fillText(end.name, right + theme.size * 0.6, end.y);
      }
      pen.restore();
    },
  };
}

/** Words at the end of each row of bars, or behind the row's mark where they would be crossed by it. */
function wordsAtBars(theme, words, marks) {
  return {
    id: "words",
    afterDatasetsDraw(chart) {
      const pen = chart.ctx;
      pen.save();
      pen.font = `${theme.size}px ${theme.face}`;
      pen.textBaseline = "middle";
      pen.fillStyle = theme.ink;
      words.forEach((text, index) => {
        const bars = chart.data.datasets.map((_set, which) => chart.getDatasetMeta(which).data[index]);
        const y = bars.reduce((sum, bar) => sum + bar.y, 0) / bars.length;
        const end = Math.max(chart.chartArea.left, ...bars.map((bar) => bar.x).filter(Number.isFinite));
        const begin = end + theme.size * 0.5;
        const mark = marks[index] === null ? end : chart.scales.x.getPixelForValue(marks[index]);
        const isCrossed = mark >= end && mark <= begin + pen.measureText(text).width;
        pen.fillText(text, isCrossed ? mark + theme.size * 0.5 : begin, y);
      });
      pen.restore();
    },
  };
}

/** A thick mark across a row: the day's capacity, or the target. */
function markAcross(theme, values) {
  return {
    id: "marks",
    afterDatasetsDraw(chart) {
      const { ctx: pen, scales } = chart;
      const rows = chart.getDatasetMeta(0).data;
      const half = (chart.chartArea.bottom - chart.chartArea.top) / Math.max(1, values.length) / 2.4;
      pen.save();
      pen.strokeStyle = theme.ink;
      pen.lineWidth = Math.max(2, theme.size / 5);
      values.forEach((value, index) => {
        if (value === null || !rows[index]) return;
        const x = scales.x.getPixelForValue(value);
        const y = chart.chartArea.top + ((index + 0.5) / values.length) * (chart.chartArea.bottom - chart.chartArea.top);
        pen.beginPath();
        pen.moveTo(x, y - half);
        pen.lineTo(x, y + half);
        pen.stroke();
      });
      pen.restore();
    },
  };
}

function wrap(text, letters) {
  const rows = [""];
  for (const word of text.split(" ")) {
    if (rows.at(-1) && rows.at(-1).length + word.length >= letters) rows.push("");
    rows[rows.length - 1] = `${rows.at(-1)} ${word}`.trim();
  }
  return rows;
}

// "Phòng xét nghiệm Hạ Long" is "Hạ Long" where all begin alike: what tells them apart is to be read.
function shorten(names) {
  const [first = ""] = names;
  const words = first.split(" ");
  let common = 0;
  while (common < words.length - 1 && names.every((name) => name.startsWith(`${words.slice(0, common + 1).join(" ")} `))) common += 1;
  return names.length > 1 ? names.map((name) => name.split(" ").slice(common).join(" ")) : names;
}

// How many letters of a row's name stand beside each other.
function lettersAt(width, theme) {
  return Math.max(8, Math.floor((width * (width < NARROW_PX ? 0.3 : 0.4)) / (theme.size * 0.55)));
}

function bars(theme, unit, width, atEnd) {
  const options = frame(theme, unit);
  options.indexAxis = "y";
  options.interaction.axis = "y";
  const font = options.scales.x.ticks.font;
  options.scales.x = { ...options.scales.x, beginAtZero: true, title: { display: theme.size < WALL_PX, text: unit, color: theme.quiet, font } };
  options.scales.x.ticks = { ...options.scales.x.ticks, maxRotation: 0, autoSkipPadding: theme.size };
  options.scales.y.title.display = false;
  options.scales.y.grid.display = false;
  options.scales.y.ticks = { color: theme.ink, font, autoSkip: false, crossAlign: "far" };
  options.layout.padding.right = Math.min(width * 0.3, theme.size * 0.56 * Math.max(...atEnd.map((text) => text.length))) + theme.size;
  return options;
}

function laboratories(theme, words, unit, figures, width) {
  const names = shorten(figures.laboratories.map((row) => row.name));
  const rows = figures.laboratories.flatMap((row, index) =>
    ["screening", "confirmation"].filter((kind) => kind === "screening" || row[kind].capacity || row[kind].used || row[kind].planned).map((kind) => ({ name: names[index], kind, ...row[kind] })),
  );
  const atEnd = rows.map((row) => `${number.format(row.used + row.planned)} ${words.of} ${number.format(row.capacity)}`);
  const capacities = rows.map((row) => row.capacity);
  const options = bars(theme, unit, width, atEnd);
  options.scales.x.stacked = options.scales.y.stacked = true;
  const letters = lettersAt(width, theme);
  const set = (name, kind) => ({ label: words[name], data: rows.map((row) => row[name]), backgroundColor: fill(kind, theme.of(name), theme.ground), borderColor: theme.of(name), borderWidth: 1, pointStyle: "rect" });
  return {
    rows: rows.length,
    type: "bar",
    data: { labels: rows.map((row) => wrap(`${row.name} · ${words[row.kind]}`, letters)), datasets: [set("used", "full"), set("planned", "lines"), set("free", "bare")] },
    options,
    plugins: [markAcross(theme, capacities), wordsAtBars(theme, atEnd, capacities)],
  };
}

function legs(theme, words, unit, figures, width) {
  const rows = figures.legs;
  const atEnd = rows.map((row) => (row.within_target === null ? "–" : `${share.format(row.within_target)} ≤ ${number.format(row.target_minutes / MINUTES)} ${words.hour}`));
  const targets = rows.map((row) => row.target_minutes / MINUTES);
  const options = bars(theme, unit, width, atEnd);
  // the target of the slowest leg stays in the picture, with its words behind it
  options.scales.x.suggestedMax = Math.max(...targets.slice(0, -1));
  // on a wall a row has the height of two lines of smaller letters
  if (theme.size >= WALL_PX) options.scales.y.ticks.font = { ...options.scales.y.ticks.font, size: theme.size * 0.82, lineHeight: 1.05 };
  const letters = lettersAt(width, theme);
  const set = (name, kind) => ({ label: words[name], data: rows.map((row) => hours(row[`${name}_minutes`])), backgroundColor: fill(kind, theme.of(name), theme.ground), borderColor: theme.of(name), borderWidth: 1, pointStyle: "rect" });
  return {
    rows: rows.length,
    type: "bar",
    data: { labels: rows.map((row) => wrap(words.legs[row.name], letters)), datasets: [set("median", "full"), set("p75", "lines"), set("p90", "dots")] },
    options,
    plugins: [markAcross(theme, targets), wordsAtBars(theme, atEnd, targets)],
  };
}

const KINDS = {
  hours: (theme, words, unit, figures, width) => lines(theme, words, unit, figures.hours, (row) => hourOf.format(new Date(row.begins_at)), width),
  days: (theme, words, unit, figures, width) => lines(theme, words, unit, figures.days, (row) => `${Number(row.day.slice(8))}/${Number(row.day.slice(5, 7))}`, width),
  laboratories,
  legs,
};

/** Draws a figure's chart anew; what it draws is told by `data-drawn` on the canvas. */
export function draw(figure, figures) {
  const canvas = figure.querySelector("canvas");
  if (!canvas) return;
  const theme = readTheme(figure);
  const { rows, ...chart } = KINDS[figure.dataset.chart](theme, JSON.parse(figure.dataset.words), figure.dataset.unit, figures, canvas.parentElement.clientWidth);
  const isNarrow = canvas.parentElement.clientWidth < NARROW_PX;
  if (rows) canvas.parentElement.style.setProperty("--rows", String(Math.ceil(rows * (isNarrow ? NARROW_ROW_EM : ROW_EM))));
  window.Chart.getChart(canvas)?.destroy();
  new window.Chart(canvas, chart);
  canvas.dataset.drawn = JSON.stringify({ labels: chart.data.labels.map((label) => [label].flat().join(" ")), series: chart.data.datasets.map(({ label, data }) => ({ label, data })) });
}
