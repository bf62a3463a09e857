// A control from run to run (Levey and Jennings 1950, in the form of Westgard 1981): mean, lines at 1, 2 and 3 standard
// deviations, and every broken rule with a shape and its name. Frame, words and table: templates/components/curves.html.

const SVG = "http://www.w3.org/2000/svg";
const HEIGHT = 340;
const BOX = { left: 64, top: 28, right: 76, bottom: 48 };
const POINT_PX = 22; // the least room of a run; more of them scroll in their frame
const LABEL_PX = 84; // the least room of a run's time
const SHAPES = {
  within: "M0-5a5 5 0 1 0 .01 0z",
  warning: "M0-8l8 14H-8z",
  rejection: "M-6-6h12v12h-12zM-6-6l12 12M6-6l-12 12",
};
const two = new Intl.NumberFormat(document.documentElement.lang || "vi", { minimumFractionDigits: 2, maximumFractionDigits: 2 });

function draw(parent, tag, attributes, text = "") {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.textContent = text;
  parent.append(element);
  return element;
}

function kindOf({ rules, warning }) {
  if (rules.length === 0) return "within";
  return warning ? "warning" : "rejection";
}

class ControlChart {
  constructor(figure) {
    this.words = figure.dataset;
    this.chart = JSON.parse(figure.querySelector("[data-chart]").textContent);
    this.frame = figure.querySelector("[data-frame]");
    this.hasLimits = typeof this.chart.mean === "number" && this.chart.sd > 0;
    this.width = 0;
    new ResizeObserver(() => this.draw()).observe(this.frame);
  }

  // Three standard deviations and a little more, or as far as the values go.
  range() {
    const values = this.chart.points.map(({ ct }) => ct);
    if (typeof this.chart.mean === "number") values.push(this.chart.mean);
    if (this.hasLimits) values.push(this.chart.mean - 3 * this.chart.sd, this.chart.mean + 3 * this.chart.sd);
    const [low, high] = [Math.min(...values), Math.max(...values)];
    const room = high > low ? (high - low) * 0.12 : 1; // for the names of broken rules
    return [low - room, high + room];
  }

  draw() {
    const width = this.frame.clientWidth;
    if (!width || width === this.width) return;
    this.width = width;
    const { points } = this.chart;
    const whole = Math.max(width, BOX.left + BOX.right + points.length * POINT_PX);
    this.frame.replaceChildren();
    const svg = draw(this.frame, "svg", { width: whole, height: HEIGHT, viewBox: `0 0 ${whole} ${HEIGHT}`, "aria-hidden": "true" });
    const [low, high] = this.range();
    const [bottom, right] = [HEIGHT - BOX.bottom, whole - BOX.right];
    const y = (ct) => bottom - ((ct - low) / (high - low)) * (bottom - BOX.top);
    const x = (index) => BOX.left + ((index + 0.5) / points.length) * (right - BOX.left);
    draw(svg, "text", { x: BOX.left - 8, y: 16, "text-anchor": "end" }, "Ct");
    this.drawLimits(svg, y, right);
    draw(svg, "polyline", { class: "way", points: points.map(({ ct }, index) => `${x(index)},${y(ct)}`).join(" ") });
    points.forEach((point, index) => this.drawPoint(svg, point, x(index), y(point.ct), low + (high - low) / 2));
    this.drawTimes(svg, x, bottom, (right - BOX.left) / points.length);
    this.frame.scrollLeft = whole; // the latest run is what one looks for
    this.frame.dataset.points = String(points.length);
  }

  drawLimits(svg, y, right) {
    const { mean, sd } = this.chart;
    if (typeof mean !== "number") {
      const values = this.chart.points.map(({ ct }) => ct);
      for (const ct of new Set([Math.min(...values), Math.max(...values)])) {
        draw(svg, "text", { x: BOX.left - 8, y: y(ct) + 4, "text-anchor": "end" }, two.format(ct));
      }
      return;
    }
    for (const number of this.hasLimits ? [-3, -2, -1, 0, 1, 2, 3] : [0]) {
      const at = y(mean + number * (sd ?? 0));
      draw(svg, "line", { class: number ? `sd-${Math.abs(number)}` : "mean", "data-limit": number, x1: BOX.left, x2: right, y1: at, y2: at });
      draw(svg, "text", { x: BOX.left - 8, y: at + 4, "text-anchor": "end" }, two.format(mean + number * (sd ?? 0)));
      const name = number ? `${number > 0 ? "+" : "−"}${Math.abs(number)} SD` : this.words.wordMean;
      draw(svg, "text", { x: right + 8, y: at + 4 }, name);
    }
  }

  drawPoint(svg, point, x, y, middle) {
    const kind = kindOf(point);
    const mark = draw(svg, "g", { class: "point", "data-kind": kind, transform: `translate(${x} ${y})` });
    draw(mark, "path", { d: SHAPES[kind] });
    const told = [point.run, point.at, `Ct ${two.format(point.ct)}`];
    if (kind !== "within") told.push(`${kind === "warning" ? this.words.wordWarning : this.words.wordRejection} ${point.rules.join(", ")}`);
    draw(mark, "title", {}, told.join(" · "));
    if (kind !== "within") {
      const offset = point.ct >= middle ? -13 : 22;
      draw(svg, "text", { class: "rule", x, y: y + offset, "text-anchor": "middle" }, point.rules.join(" "));
    }
    mark.addEventListener("click", () => location.assign(point.url)); // the table has the same as links
  }

  drawTimes(svg, x, bottom, room) {
    const { points } = this.chart;
    const every = Math.max(1, Math.ceil(LABEL_PX / room));
    for (let index = points.length - 1; index >= 0; index -= every) {
      draw(svg, "line", { class: "sd-1", x1: x(index), x2: x(index), y1: bottom, y2: bottom + 6 });
      draw(svg, "text", { x: x(index), y: bottom + 22, "text-anchor": "middle" }, points[index].at);
    }
  }
}

for (const figure of document.querySelectorAll("[data-control-chart]")) {
  if (figure.querySelector("[data-frame]")) new ControlChart(figure);
}
