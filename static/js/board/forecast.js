// The charts of the forecast, drawn by Chart.js from the figures in the page: a median, and the span of 8 of 10 runs.
import { fill, readTheme } from "./look.js";

const LANGUAGE = document.documentElement.lang || "vi";
const LONGEST = 15; // from so many points on, marks would touch
const dayOf = (number) => {
  const day = new Date(Date.now() + number * 86_400_000);
  return new Intl.DateTimeFormat(LANGUAGE, { day: "numeric", month: "numeric", timeZone: "Asia/Ho_Chi_Minh" }).format(day);
};

const KINDS = {
  "forecast-hours": (figures) => ({ labels: figures.hours.map((one) => String(one.hour).padStart(2, "0")), rows: figures.hours.map((one) => one.released) }),
  "forecast-backlog": (figures) => ({ labels: figures.daily.map((one) => dayOf(one.day)), rows: figures.daily.map((one) => one.backlog) }),
};

function describe(theme, words, unit, { labels, rows }) {
  const font = { family: theme.face, size: theme.size };
  const axis = { grid: { color: theme.grid }, border: { color: theme.quiet }, ticks: { color: theme.quiet, font, maxRotation: 0, autoSkipPadding: theme.size } };
  const colour = theme.of("median");
  const edge = { borderColor: colour, borderWidth: 1, borderDash: [2, 3], pointRadius: 0 };
  return {
    type: "line",
    data: {
      labels,
      datasets: [
        { label: words.median, data: rows.map((row) => row.median), borderColor: colour, backgroundColor: colour, borderWidth: theme.size / 5, pointStyle: "circle", pointRadius: rows.length > LONGEST ? theme.size / 5 : theme.size / 3 },
        { label: words.span, data: rows.map((row) => row.high), ...edge, fill: "+1", backgroundColor: fill("lines", theme.of("free"), "transparent"), pointStyle: "rect" },
        { label: "", data: rows.map((row) => row.low), ...edge },
      ],
    },
    options: {
      animation: false,
      maintainAspectRatio: false,
      locale: LANGUAGE,
      interaction: { mode: "index", intersect: false },
      scales: { x: axis, y: { ...axis, beginAtZero: true, title: { display: true, text: unit, color: theme.quiet, font } } },
      plugins: {
        legend: { position: "top", align: "start", labels: { color: theme.ink, font, usePointStyle: true, boxWidth: theme.size * 2, filter: (item) => item.text !== "" } },
        tooltip: { bodyFont: font, titleFont: font },
      },
    },
  };
}

function drawAll() {
  const figures = JSON.parse(document.getElementById("forecast-figures").textContent);
  for (const figure of document.querySelectorAll("[data-chart]")) {
    const canvas = figure.querySelector("canvas");
    if (!canvas) continue;
    const chart = describe(readTheme(figure), JSON.parse(figure.dataset.words), figure.dataset.unit, KINDS[figure.dataset.chart](figures));
    window.Chart.getChart(canvas)?.destroy();
    new window.Chart(canvas, chart);
    canvas.dataset.drawn = JSON.stringify({ labels: chart.data.labels, series: chart.data.datasets.map(({ label, data }) => ({ label, data })) });
  }
}

drawAll();
new MutationObserver(drawAll).observe(document.documentElement, { attributeFilter: ["data-bs-theme"] });
