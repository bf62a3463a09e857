// How a series is told from another without colour: a dash, a mark, a hatching; colours are the theme's and only help.

export const DASHES = { collected: [], received: [7, 4], released: [2, 3] };
export const MARKS = { collected: "circle", received: "triangle", released: "rect" };
const COLOURS = { collected: "--chart-1", received: "--chart-2", released: "--chart-3", used: "--chart-1", planned: "--chart-1", free: "--chart-quiet", median: "--chart-1", p75: "--chart-1", p90: "--chart-3" };
const TILE = 8;

/** The theme's values as the page has them now. */
export function readTheme(element) {
  const style = getComputedStyle(element);
  const read = (name) => style.getPropertyValue(name).trim();
  return {
    ink: read("--ink"),
    quiet: read("--ink-quiet"),
    grid: read("--line"),
    ground: read("--surface"),
    stop: read("--stop-solid"),
    face: read("--face") || style.fontFamily,
    size: Number.parseFloat(read("--chart-font")) || 13,
    of: (name) => read(COLOURS[name]) || read("--ink"),
  };
}

/** A filling for bars: "full", "lines" (hatched), "dots" or "bare". */
export function fill(kind, colour, ground) {
  if (kind === "full") return colour;
  if (kind === "bare") return ground;
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = TILE;
  const pen = canvas.getContext("2d");
  pen.fillStyle = ground;
  pen.fillRect(0, 0, TILE, TILE);
  pen.fillStyle = pen.strokeStyle = colour;
  pen.lineWidth = 2;
  if (kind === "dots") {
    pen.fillRect(1, 1, 3, 3);
    pen.fillRect(5, 5, 3, 3);
  } else {
    pen.beginPath();
    for (const shift of [-TILE, 0, TILE]) {
      pen.moveTo(shift - 1, TILE + 1);
      pen.lineTo(shift + TILE + 1, -1);
    }
    pen.stroke();
  }
  return pen.createPattern(canvas, "repeat");
}
