// A run's plate by Ct, all curves of one target, and one well whole. Frame and words: templates/components/curves.html.
// Nothing is decided here: findings, reasons and Ct values are shown as the server tells them.

import { say, translate } from "./messages.js";

// From the least to the most important; later ones are drawn over earlier ones. Widths in px.
const KINDS = {
  not_detected: { width: 1, dash: [] },
  waiting: { width: 1, dash: [5, 2] },
  invalid: { width: 1.5, dash: [2, 3] },
  inconclusive: { width: 1.75, dash: [8, 3] },
  detected: { width: 2, dash: [] },
  control: { width: 2, dash: [12, 3, 2, 3] },
};
const TARGET_DASHES = [[], [9, 4], [2, 3], [12, 3, 2, 3], [5, 2], [1, 2]];
const LEVELS = [20, 25, 30, 35]; // bounds of Ct between the five shades
const NEAR_PX = 24;
const LABEL_PX = 14;
const STEPS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
const LANGUAGE = document.documentElement.lang || "vi";

const numbers = {
  whole: new Intl.NumberFormat(LANGUAGE, { maximumFractionDigits: 0 }),
  one: new Intl.NumberFormat(LANGUAGE, { minimumFractionDigits: 1, maximumFractionDigits: 1 }),
  two: new Intl.NumberFormat(LANGUAGE, { minimumFractionDigits: 2, maximumFractionDigits: 2 }),
  short: new Intl.NumberFormat(LANGUAGE, { maximumSignificantDigits: 3 }),
};

const isNumber = (value) => typeof value === "number";

function make(tag, text = "", attributes = {}) {
  const element = document.createElement(tag);
  element.textContent = text;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

// A printed code as templates/components/codes.html writes it: 3-3-3, the gaps drawn.
function codeOf(text) {
  const code = make("span", "", { class: "code", translate: "no" });
  code.append(...(text.length === 9 ? text.match(/.../g) : [text]).map((part) => make("span", part)));
  return code;
}

function linkTo(url, text) {
  if (!url) return codeOf(text);
  const link = make("a", "", { href: url });
  link.append(codeOf(text));
  return link;
}

// ---- Charts ----

// Lines at round values, at most about `most` of them.
function roundTicks(low, high, most) {
  const rough = (high - low) / most;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].find((each) => each * power >= rough) * power;
  const ticks = [];
  for (let tick = Math.ceil(low / step) * step; tick <= high + step / 1e6; tick += step) ticks.push(Math.abs(tick) < step / 1e6 ? 0 : tick);
  return ticks;
}

// Where values stand, from 0 at the bottom to 1; NaN where a logarithm cannot show one.
function makeScale(values, thresholds, log) {
  let low = Infinity;
  let high = -Infinity;
  for (const value of [...values, ...thresholds]) {
    if (value === null) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  if (log) {
    const highest = high > 0 ? high : 1;
    const floor = Math.min(...thresholds.filter((each) => each > 0), highest / 10) / 10;
    const decade = Math.floor(Math.log10(Math.max(floor, low)));
    const [bottom, top] = [10 ** decade, highest * 1.2];
    const span = Math.log10(top / bottom);
    const ticks = [];
    for (let power = decade; 10 ** power <= top; power += 1) ticks.push(...[1, 2, 5].map((each) => each * 10 ** power));
    return { ticks: ticks.filter((tick) => tick <= top), at: (value) => (value >= bottom ? Math.log10(value / bottom) / span : NaN) };
  }
  if (!(high > low)) high = low + 1;
  const room = (high - low) * 0.04;
  const [bottom, top] = [low - room, high + room];
  return { ticks: roundTicks(bottom, top, 6), at: (value) => (value - bottom) / (top - bottom) };
}

/**
 * A canvas that draws lines over cycles.
 *
 * What it shows: {lines, over, thresholds, marks, scale, first, cycles, quantity, labels}. A line is
 * {values, colour, width, dash, well, label}; `lines` of one style in a row are one stroke. `over` are drawn last, on
 * a light edge. A threshold is {value, colour, label}, a mark {cycle, value, colour}; colours are names of variables.
 */
class Chart {
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.shown = null;
    this.drawnAt = "";
    new ResizeObserver(() => {
      if (this.size() !== this.drawnAt) this.draw();
    }).observe(canvas);
  }

  size() {
    return `${this.canvas.clientWidth}x${this.canvas.clientHeight}x${devicePixelRatio}`;
  }

  show(shown) {
    this.shown = shown;
    this.draw();
  }

  draw() {
    const { canvas, context, shown } = this;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    if (!shown || !width || !height) return;
    this.drawnAt = this.size();
    canvas.width = Math.round(width * devicePixelRatio);
    canvas.height = Math.round(height * devicePixelRatio);
    context.scale(devicePixelRatio, devicePixelRatio);
    const style = getComputedStyle(canvas);
    this.colour = (name) => style.getPropertyValue(`--${name}`).trim();
    context.font = `12px ${style.fontFamily}`;
    context.lineJoin = "round";
    const ticks = shown.scale.ticks.map((value) => [value, numbers.short.format(value)]);
    const left = 30 + Math.max(...ticks.map(([, word]) => context.measureText(word).width));
    this.box = { left, top: 10, right: width - shown.labels, bottom: height - 40 };
    this.drawFrame(ticks);
    context.save();
    context.beginPath();
    context.rect(this.box.left, this.box.top, this.box.right - this.box.left, this.box.bottom - this.box.top);
    context.clip();
    for (const threshold of shown.thresholds) this.drawThreshold(threshold);
    this.drawLines(shown.lines);
    for (const line of shown.over) {
      this.drawLines([{ ...line, colour: "chart-ground", width: line.width + 3, dash: [] }]);
      this.drawLines([line]);
    }
    for (const mark of shown.marks) this.drawMark(mark);
    context.restore();
    this.drawThresholdLabels();
    this.drawLabels();
    canvas.dataset.drawn = String(new Set([...shown.lines, ...shown.over].map((line) => line.values)).size);
  }

  x(cycle) {
    const { first, cycles } = this.shown;
    return this.box.left + ((cycle - first) / Math.max(1, cycles - 1)) * (this.box.right - this.box.left);
  }

  y(value) {
    return this.box.bottom - this.shown.scale.at(value) * (this.box.bottom - this.box.top);
  }

  drawFrame(ticks) {
    const { context, box, shown } = this;
    context.lineWidth = 1;
    context.strokeStyle = this.colour("chart-grid");
    context.fillStyle = this.colour("chart-quiet");
    context.textAlign = "right";
    context.textBaseline = "middle";
    for (const [value, word] of ticks) {
      const y = Math.round(this.y(value)) + 0.5;
      this.strokeFrom(box.left, y, box.right, y);
      context.fillText(word, box.left - 6, y);
    }
    context.textAlign = "center";
    context.textBaseline = "top";
    for (const cycle of roundTicks(shown.first, shown.first + shown.cycles - 1, box.right - box.left > 420 ? 12 : 6)) {
      if (!Number.isInteger(cycle)) continue;
      const x = Math.round(this.x(cycle)) + 0.5;
      this.strokeFrom(x, box.bottom, x, box.bottom + 4);
      context.fillText(numbers.whole.format(cycle), x, box.bottom + 7);
    }
    context.strokeStyle = this.colour("chart-quiet");
    this.strokeFrom(box.left, box.bottom + 0.5, box.right, box.bottom + 0.5);
    context.fillText(translate("Cycle"), (box.left + box.right) / 2, box.bottom + 24);
    context.save();
    context.translate(4, (box.top + box.bottom) / 2);
    context.rotate(-Math.PI / 2);
    context.fillText(shown.quantity ? say("Fluorescence (%(name)s)", { name: shown.quantity }) : translate("Fluorescence"), 0, 0);
    context.restore();
  }

  strokeFrom(fromX, fromY, toX, toY) {
    this.context.beginPath();
    this.context.moveTo(fromX, fromY);
    this.context.lineTo(toX, toY);
    this.context.stroke();
  }

  drawThreshold({ value, colour }) {
    this.context.strokeStyle = this.colour(colour);
    this.context.lineWidth = 1.5;
    this.context.setLineDash([4, 4]);
    this.strokeFrom(this.box.left, this.y(value), this.box.right, this.y(value));
    this.context.setLineDash([]);
  }

  drawLines(lines) {
    const { context } = this;
    let before = null;
    for (const line of lines) {
      if (before === null || before.colour !== line.colour || before.width !== line.width || before.dash !== line.dash) {
        if (before) context.stroke();
        context.beginPath();
        context.strokeStyle = this.colour(line.colour);
        context.lineWidth = line.width;
        context.setLineDash(line.dash);
      }
      this.follow(line.values);
      before = line;
    }
    if (before) context.stroke();
    context.setLineDash([]);
  }

  // A gap where a cycle has no value, or none that the scale can show.
  follow(values) {
    let inLine = false;
    for (let index = 0; index < values.length; index += 1) {
      const y = values[index] === null ? NaN : this.y(values[index]);
      if (Number.isNaN(y)) inLine = false;
      else if (inLine) this.context.lineTo(this.x(this.shown.first + index), y);
      else {
        this.context.moveTo(this.x(this.shown.first + index), y);
        inLine = true;
      }
    }
  }

  drawMark({ cycle, value, colour }) {
    const { context } = this;
    context.beginPath();
    context.arc(this.x(cycle), this.y(value), 5, 0, 2 * Math.PI);
    context.fillStyle = this.colour("chart-ground");
    context.fill();
    context.strokeStyle = this.colour(colour);
    context.lineWidth = 2;
    context.stroke();
  }

  // Words side by side above their lines, each with an edge of the ground, so that they can be read over curves.
  drawThresholdLabels() {
    const { context, box } = this;
    context.textAlign = "left";
    context.textBaseline = "bottom";
    let x = box.left + 6;
    for (const { value, colour, label } of this.shown.thresholds) {
      const y = Math.max(box.top + LABEL_PX, this.y(value) - 3);
      this.write(label, x, y, this.colour(colour));
      x += context.measureText(label).width + 12;
    }
  }

  // Names at the right end of lines, pushed apart where they would lie over each other.
  drawLabels() {
    const { box, shown } = this;
    const named = [...shown.lines, ...shown.over].filter((line) => line.label);
    const places = named.map((line) => {
      const last = line.values.findLast((value) => value !== null && !Number.isNaN(this.y(value)));
      return { line, y: last === undefined ? box.bottom : Math.min(box.bottom, Math.max(box.top, this.y(last))) };
    });
    places.sort((one, other) => one.y - other.y);
    this.context.textAlign = "left";
    this.context.textBaseline = "middle";
    let lowest = -Infinity;
    for (const { line, y } of places) {
      lowest = Math.max(y, lowest + LABEL_PX);
      this.write(line.label, box.right + 4, lowest, this.colour(line.colour));
    }
  }

  write(text, x, y, colour) {
    const { context } = this;
    context.lineWidth = 4;
    context.strokeStyle = this.colour("chart-ground");
    context.strokeText(text, x, y);
    context.fillStyle = colour;
    context.fillText(text, x, y);
  }

  // The line that is nearest to a place on the canvas, and the cycle there; null where none is near.
  nearest(x, y) {
    if (!this.shown || !this.box) return null;
    const { first, cycles, lines, over } = this.shown;
    const share = (x - this.box.left) / (this.box.right - this.box.left);
    const index = Math.round(share * Math.max(1, cycles - 1));
    let best = null;
    for (const line of [...lines, ...over]) {
      const value = line.values[index];
      if (!isNumber(value)) continue;
      const far = Math.abs(this.y(value) - y);
      if (far <= NEAR_PX && (!best || far < best.far)) best = { far, well: line.well, cycle: first + index, value };
    }
    return best;
  }
}

// ---- The panel ----

class Panel {
  constructor(root, run) {
    this.root = root;
    this.run = run;
    this.targets = new Map(run.targets.map((target) => [target.name, target]));
    this.hasCurves = Object.values(run.curves).some((ofTarget) => Object.keys(ofTarget).length > 0);
    this.chosen = "";
    this.charts = {};
    for (const canvas of root.querySelectorAll("[data-chart]")) this.charts[canvas.dataset.chart] = new Chart(canvas);
    this.offerTargets();
    this.makeWells();
    for (const part of root.querySelectorAll("[data-of-chart]")) part.hidden = !this.hasCurves;
    this.one("[data-no-curves]").hidden = this.hasCurves;
    this.paintWells();
    const wells = [...this.wells.keys()].sort();
    const asked = wells.find((well) => well === root.dataset.first);
    const first = asked ?? wells.find((well) => run.wells[well].finding === "detected" && !run.wells[well].control) ?? wells[0];
    if (first) this.choose(first, { aloud: false });
    else this.drawPlate();
    this.listen();
  }

  one(selector) {
    return this.root.querySelector(selector);
  }

  option(name) {
    return this.one(`[data-options="${name}"] :checked`)?.value ?? "";
  }

  get target() {
    return this.targets.get(this.option("target"));
  }

  offerTargets() {
    const options = this.run.targets.map(({ name, dye }, index) => {
      const label = make("label", "", { class: "choice" });
      const input = make("input", "", { type: "radio", name: "curves-target", value: name });
      input.checked = index === 0;
      label.append(input, make("span", dye ? `${name} (${dye})` : name));
      return label;
    });
    this.one('[data-options="target"]').replaceChildren(...options);
  }

  makeWells() {
    this.wells = new Map();
    for (const cell of this.root.querySelectorAll("td[data-well]")) {
      if (!this.run.wells[cell.dataset.well]) continue;
      const button = make("button", "", { type: "button", tabindex: "-1" });
      cell.replaceChildren(button);
      this.wells.set(cell.dataset.well, button);
    }
    this.wells.values().next().value?.setAttribute("tabindex", "0");
  }

  content(name) {
    const { label, control } = this.run.wells[name];
    return control ? say("Control %(name)s", { name: label ?? "" }) : label;
  }

  findingWord(name) {
    const well = this.run.wells[name];
    return well.finding ? well.finding_word : translate("Waiting");
  }

  ctWord(reading, format = numbers.two) {
    if (!reading) return translate("not measured");
    return isNumber(reading.ct) ? format.format(reading.ct) : translate("no Ct");
  }

  // A well in one sentence, for ears and for pointing at it.
  sentence(name, targets, format) {
    const { readings } = this.run.wells[name];
    const values = targets.map((target) => say("%(name)s Ct %(ct)s", { name: target, ct: this.ctWord(readings[target], format) }));
    return say("%(well)s, %(content)s: %(finding)s. %(values)s", {
      well: name,
      content: this.content(name),
      finding: this.findingWord(name),
      values: values.join("; "),
    });
  }

  paintWells() {
    const { target } = this;
    const format = this.run.size === 384 ? numbers.whole : numbers.one;
    this.one("[data-plate-caption]").textContent = say("Target %(name)s: Ct by well", { name: target?.name ?? "" });
    for (const [name, button] of this.wells) {
      const well = this.run.wells[name];
      const reading = target && well.readings[target.name];
      const classes = ["well", "by-ct"];
      button.removeAttribute("data-level");
      button.textContent = "–";
      if (!reading) {
        classes.push("unread");
        button.textContent = "·";
      } else if (!isNumber(reading.ct)) classes.push("none");
      else {
        button.dataset.level = String(1 + LEVELS.filter((bound) => reading.ct >= bound).length);
        button.textContent = format.format(reading.ct);
        if (isNumber(target.cutoff) && reading.ct > target.cutoff) classes.push("past");
      }
      if (well.control) classes.push("control");
      if (reading?.flags.length) classes.push("flagged");
      button.className = classes.join(" ");
      const told = target ? [target.name] : [];
      button.title = this.sentence(name, told);
      button.setAttribute("aria-label", this.sentence(name, told, format)); // holds the number as it is seen
    }
  }

  fits(name) {
    const well = this.run.wells[name];
    const wanted = this.option("wells");
    return { all: true, controls: well?.control, detected: well?.finding === "detected", one: name === this.chosen }[wanted];
  }

  drawPlate() {
    const { target, run } = this;
    if (!this.hasCurves || !target) return;
    const curves = Object.entries(run.curves[target.name] ?? {});
    const thresholds = isNumber(target.threshold) ? [target.threshold] : [];
    const lines = curves
      .filter(([name]) => name !== this.chosen && this.fits(name))
      .map(([name, values]) => {
        const well = run.wells[name];
        const kind = well?.control ? "control" : (well?.finding ?? "waiting");
        return { ...KINDS[kind], colour: `line-${kind}`, kind, values, well: name };
      });
    const order = Object.keys(KINDS);
    lines.sort((one, other) => order.indexOf(one.kind) - order.indexOf(other.kind));
    const own = this.fits(this.chosen) && run.curves[target.name]?.[this.chosen];
    const over = own ? [{ values: own, colour: "line-chosen", width: 4, dash: [], well: this.chosen, label: this.chosen }] : [];
    this.charts.plate.show({
      lines,
      over,
      marks: [],
      thresholds: thresholds.map((value) => ({
        value,
        colour: "line-threshold",
        label: say("Threshold %(number)s", { number: numbers.short.format(value) }),
      })),
      // of all curves whatever is shown, so that a choice of wells does not move the axis
      scale: makeScale(curves.flatMap(([, values]) => values), thresholds, this.option("scale") === "log"),
      ...this.axes(40),
    });
    const shown = lines.length + over.length;
    this.one("[data-none-fits]").hidden = shown > 0;
    this.caption("plate", say("Target %(name)s: %(shown)s of %(whole)s curves", { name: target.name, shown, whole: curves.length }));
  }

  axes(labels) {
    const { first_cycle: first, cycles, quantity } = this.run;
    return { first, cycles, quantity, labels };
  }

  caption(chart, words) {
    this.one(`[data-caption="${chart}"]`).textContent = words;
    this.charts[chart].canvas.setAttribute("aria-label", words);
  }

  drawWell() {
    if (!this.hasCurves) return;
    const { run, chosen } = this;
    const lines = [];
    const thresholds = [];
    const marks = [];
    run.targets.forEach(({ name, threshold }, index) => {
      const values = run.curves[name]?.[chosen];
      if (!values) return;
      const colour = `target-${(index % TARGET_DASHES.length) + 1}`;
      lines.push({ values, colour, width: 2.5, dash: TARGET_DASHES[index % TARGET_DASHES.length], well: chosen, label: name });
      if (!isNumber(threshold)) return;
      thresholds.push({ value: threshold, colour, label: `${name} ${numbers.short.format(threshold)}` });
      const ct = run.wells[chosen].readings[name]?.ct;
      if (isNumber(ct)) marks.push({ cycle: ct, value: threshold, colour });
    });
    const scale = makeScale(lines.flatMap((line) => line.values), thresholds.map(({ value }) => value), this.option("scale") === "log");
    const longest = Math.max(0, ...lines.map((line) => line.label.length));
    this.charts.well.canvas.hidden = lines.length === 0;
    this.charts.well.show(lines.length ? { lines, over: [], thresholds, marks, scale, ...this.axes(16 + 8 * longest) } : null);
    this.caption("well", say("Well %(well)s: curves of all targets", { well: chosen }));
  }

  choose(name, { aloud = true } = {}) {
    for (const [each, button] of this.wells) {
      button.tabIndex = each === name ? 0 : -1;
      button.parentElement.setAttribute("aria-selected", String(each === name));
    }
    this.chosen = name;
    this.one("[data-chosen]").hidden = false;
    this.tell(name);
    this.drawPlate();
    this.drawWell();
    if (aloud) this.one("[data-said]").textContent = this.sentence(name, [...this.targets.keys()]);
  }

  tell(name) {
    const well = this.run.wells[name];
    const fact = (key) => this.one(`[data-fact="${key}"]`);
    fact("well").textContent = name;
    fact("content").replaceChildren(well.control ? this.content(name) : linkTo(well.url, well.label));
    const pill = this.one(`[data-pill="${well.finding ?? "waiting"}"]`).content.cloneNode(true);
    if (well.finding) pill.querySelector(".state").lastChild.textContent = well.finding_word;
    fact("finding").replaceChildren(pill);
    fact("reason").textContent = well.reason;
    for (const part of this.root.querySelectorAll("[data-of-tubes]")) part.hidden = well.tubes.length === 0;
    fact("tubes").replaceChildren(
      ...well.tubes.map(({ code, url }) => {
        const item = make("li");
        item.append(linkTo(url, code));
        return item;
      }),
    );
    const heads = [...this.one(".curves-well thead tr").cells].map((cell) => cell.textContent);
    fact("readings").replaceChildren(...this.run.targets.map((target) => this.row(target, well.readings[target.name], heads)));
  }

  row(target, reading, heads) {
    const role = translate(target.role === "internal" ? "Internal control" : "Viral target");
    const row = make("tr");
    const head = make("th", target.name, { scope: "row" });
    head.append(" ", make("span", [target.dye, role].filter(Boolean).join(" · "), { class: "quiet small d-block" }));
    const values = [
      this.ctWord(reading),
      reading?.raw || "–",
      isNumber(target.cutoff) ? numbers.short.format(target.cutoff) : "–",
      isNumber(target.threshold) ? numbers.short.format(target.threshold) : "–",
      reading?.flags.join(", ") || translate("none"),
    ];
    row.append(head, ...values.map((value, index) => make("td", value, { "data-label": heads[index + 1] })));
    return row;
  }

  listen() {
    const grid = this.one("[data-plate-by-ct]");
    grid.addEventListener("click", (event) => {
      const cell = event.target.closest("td[data-well]");
      if (cell && this.wells.has(cell.dataset.well)) this.choose(cell.dataset.well);
    });
    grid.addEventListener("keydown", (event) => {
      const cell = event.target.closest("td[data-well]");
      const next = cell && this.neighbour(cell, event);
      if (!next) return;
      event.preventDefault(); // arrows would scroll the page
      this.choose(next.dataset.well);
      this.wells.get(next.dataset.well).focus();
    });
    this.root.addEventListener("change", ({ target: input }) => {
      if (input.name === "curves-target") this.paintWells();
      this.drawPlate();
      if (input.name === "curves-scale") this.drawWell();
    });
    const { canvas } = this.charts.plate;
    const pointed = this.one("[data-pointed]");
    canvas.addEventListener("click", ({ offsetX, offsetY }) => {
      const near = this.charts.plate.nearest(offsetX, offsetY);
      if (near && this.wells.has(near.well)) this.choose(near.well);
    });
    canvas.addEventListener("pointermove", ({ offsetX, offsetY }) => {
      const near = this.charts.plate.nearest(offsetX, offsetY);
      pointed.textContent = near && this.wells.has(near.well) ? this.pointedWords(near) : "";
    });
    canvas.addEventListener("pointerleave", () => pointed.replaceChildren());
    const redraw = () => Object.values(this.charts).forEach((chart) => chart.draw());
    new MutationObserver(redraw).observe(document.documentElement, { attributeFilter: ["data-bs-theme"] });
    document.fonts.ready.then(redraw);
    for (const [moment, onPaper] of [["beforeprint", true], ["afterprint", false]]) {
      window.addEventListener(moment, () => {
        this.root.classList.toggle("curves-on-paper", onPaper);
        redraw();
      });
    }
  }

  pointedWords({ well, cycle, value }) {
    const parameters = { well, content: this.content(well), cycle, number: numbers.short.format(value) };
    return say("%(well)s, %(content)s: cycle %(cycle)s, %(number)s", parameters);
  }

  // The cell a key leads to; empty wells are stepped over. Home and End lead along the row.
  neighbour(cell, { key }) {
    const rows = [...cell.closest("tbody").rows].map((row) => [...row.querySelectorAll("td[data-well]")]);
    const row = rows.findIndex((cells) => cells.includes(cell));
    const column = rows[row].indexOf(cell);
    const filled = (each) => this.wells.has(each.dataset.well);
    if (key === "Home") return rows[row].find(filled);
    if (key === "End") return rows[row].findLast(filled);
    const [down, right] = STEPS[key] ?? [0, 0];
    if (!down && !right) return null;
    for (let steps = 1; ; steps += 1) {
      const next = rows[row + down * steps]?.[column + right * steps];
      if (!next || filled(next)) return next ?? cell;
    }
  }
}

const root = document.querySelector("[data-curves]");
if (root) {
  try {
    const answer = await fetch(root.dataset.url, { headers: { Accept: "application/json" } });
    if (!answer.ok) throw new Error(`${answer.status} of ${root.dataset.url}`);
    new Panel(root, await answer.json());
    root.dataset.ready = "yes";
  } catch (error) {
    root.querySelector("[data-failed]").hidden = false;
    for (const part of root.querySelectorAll("[data-of-chart]")) part.hidden = true;
    console.warn(error);
  }
}
