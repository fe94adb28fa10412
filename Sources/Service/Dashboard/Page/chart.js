// Line charts as SVG: bands for intervals, a readout under the pointer or the arrow keys, lines that differ by dashes as well as colour.
import { h, s, put, percent, figure } from "./dom.js";

const LEFT = 52, RIGHT = 12, TOP = 10;

/** Round values within a range: 1, 2 or 5 times a power of ten apart (Heckbert 1990). */
export function ticks(low, high, count) {
  const span = high - low;
  if (!(span > 0) || !Number.isFinite(span)) return [low];
  const rough = span / count, power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].find((factor) => factor * power >= rough * 0.999) * power;
  const found = [];
  for (let index = Math.ceil(low / step - 1e-9); index * step <= high + step * 1e-9; index++) found.push(Number((index * step).toPrecision(12)));
  return found;
}

/**
 * A chart that can be given new lines: lines are {title, look, points: [[x, y, low, high]]}, by rising x.
 * @param {{title: string, xTitle: string, share?: boolean, height?: number, marks?: boolean}} options share: y is a part of 1, in percent
 */
export class Chart {
  #options; #svg; #legend; #readout; #lines = []; #frame = 0; #scale; #cursor = null; #width = 640;

  constructor(options) {
    this.#options = { height: 220, ...options };
    this.#svg = s("svg.chart", {
      role: "img", tabindex: "0",
      onpointermove: (event) => this.#point(event), onpointerleave: () => this.#show(null),
      onkeydown: (event) => this.#key(event), onblur: () => this.#show(null),
    });
    this.#legend = h("ul.legend");
    this.#readout = h("p.unseen", { role: "status" });
    this.element = h("figure", h("figcaption", this.#options.title), this.#legend, this.#svg, this.#readout);
    // Drawn for its own width, so that letters keep their size on a phone.
    new ResizeObserver(([{ contentRect }]) => {
      const width = Math.round(Math.min(Math.max(contentRect.width, 260), 1200));
      if (width === this.#width || !contentRect.width) return;
      this.#width = width;
      this.#later();
    }).observe(this.element);
  }

  /** Draws at the next frame, however often it is called before. */
  set(lines) {
    this.#lines = lines.filter((line) => line.points.length);
    this.#later();
  }

  #later() {
    if (!this.#frame) this.#frame = requestAnimationFrame(() => { this.#frame = 0; this.#draw(); });
  }

  #draw() {
    const { height, share, xTitle, marks, title } = this.#options;
    this.#svg.setAttribute("viewBox", `0 0 ${this.#width} ${height}`);
    const points = this.#lines.flatMap((line) => line.points).filter((point) => Number.isFinite(point[1]));
    const xs = points.map((point) => point[0]);
    let [low, high] = xs.length ? [xs.reduce((a, b) => Math.min(a, b)), xs.reduce((a, b) => Math.max(a, b))] : [0, 1];
    if (low === high) [low, high] = [low - 0.5, high + 0.5];
    const highest = share ? 1 : points.reduce((most, point) => Math.max(most, point[1]), 0) * 1.05 || 1;
    const bottom = height - 34;
    const x = (value) => LEFT + ((value - low) / (high - low)) * (this.#width - LEFT - RIGHT);
    const y = (value) => bottom - (Math.min(Math.max(value, 0), highest) / highest) * (bottom - TOP);
    this.#scale = { x, y, low, high, bottom };
    const shown = (value) => (share ? `${Math.round(value * 100)} %` : figure(value));
    const grid = [
      ...ticks(0, highest, height > 150 ? 5 : 2).flatMap((tick) => [
        s("path.grid", { d: `M${LEFT} ${y(tick)}H${this.#width - RIGHT}` }), s("text", { x: LEFT - 6, y: y(tick) + 4, "text-anchor": "end" }, shown(tick)),
      ]),
      ...ticks(low, high, this.#width < 420 ? 4 : 8).flatMap((tick) => [
        s("path.grid", { d: `M${x(tick)} ${TOP}V${bottom}` }), s("text", { x: x(tick), y: bottom + 16, "text-anchor": "middle" }, figure(tick)),
      ]),
      s("text", { x: (LEFT + this.#width - RIGHT) / 2, y: height - 4, "text-anchor": "middle" }, xTitle),
    ];
    const place = (px, py) => `${px.toFixed(1)} ${py.toFixed(1)}`;
    const drawn = this.#lines.flatMap((line) => {
      const banded = line.points.filter((point) => point.length > 2);
      const edge = (index) => banded.map((point) => place(x(point[0]), y(point[index])));
      const band = banded.length > 1 && s(`path.band.look${line.look}`, { d: `M${[...edge(3), ...edge(2).reverse()].join("L")}Z` });
      let path = "", isBroken = true;
      for (const [px, py] of line.points) {
        if (!Number.isFinite(py)) { isBroken = true; continue; }
        path += `${isBroken ? "M" : "L"}${place(x(px), y(py))}`;
        isBroken = false;
      }
      const signs = (marks || line.points.length === 1) && line.points.filter((point) => Number.isFinite(point[1])).map((point) => s(`circle.look${line.look}`, { cx: x(point[0]), cy: y(point[1]), r: 3.5 }));
      return [band, path && s(`path.line.look${line.look}`, { d: path }), signs || []].flat().filter(Boolean);
    });
    this.#svg.replaceChildren(...grid, ...drawn);
    const ends = this.#lines.map((line) => `${line.title} ${this.#value(line.points.at(-1)[1])}`);
    this.#svg.setAttribute("aria-label", `${title}, ${xTitle} ${figure(low)} to ${figure(high)}. Last values: ${ends.join(", ") || "none"}. Arrow keys read single values.`);
    this.#show(this.#cursor);
  }

  #value(value) { return this.#options.share ? percent(value) : figure(value); }

  #names(at) {
    put(this.#legend, this.#lines.map((line) => {
      const point = at === null ? line.points.at(-1) : nearest(line.points, at);
      return h("li", s("svg", { viewBox: "0 0 26 8", "aria-hidden": "true" }, s(`line.look${line.look}`, { x1: 0, y1: 4, x2: 26, y2: 4 })), line.title, h("b", this.#value(point[1])));
    }), at === null ? [] : h("li.dim", `at ${this.#options.xTitle} ${figure(at)}`));
  }

  #show(at) {
    this.#cursor = at;
    this.#svg.querySelector(".cursor")?.remove();
    this.#names(at);
    if (at === null || !this.#scale) return;
    const { x, bottom } = this.#scale;
    this.#svg.append(s("path.cursor", { d: `M${x(at)} ${TOP}V${bottom}` }));
  }

  #point(event) {
    if (!this.#scale || !this.#lines.length) return;
    const box = this.#svg.getBoundingClientRect();
    const { low, high } = this.#scale;
    const value = low + (((event.clientX - box.left) / box.width) * this.#width - LEFT) / (this.#width - LEFT - RIGHT) * (high - low);
    this.#show(nearest(this.#longest, value)[0]);
  }

  #key(event) {
    const step = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity }[event.key];
    if (!step || !this.#lines.length) return;
    event.preventDefault();
    const points = this.#longest;
    const index = this.#cursor === null ? points.length - 1 : points.indexOf(nearest(points, this.#cursor));
    const point = points[Math.min(Math.max(this.#cursor === null ? index : index + step, 0), points.length - 1)];
    this.#show(point[0]);
    this.#readout.textContent = `${this.#options.xTitle} ${figure(point[0])}: ${this.#lines.map((line) => `${line.title} ${this.#value(nearest(line.points, point[0])[1])}`).join(", ")}`;
  }

  get #longest() { return this.#lines.reduce((longest, line) => (line.points.length > longest.length ? line.points : longest), []); }
}

/** The point whose x is nearest, of points by rising x. */
function nearest(points, x) {
  let [first, last] = [0, points.length - 1];
  while (last - first > 1) {
    const middle = (first + last) >> 1;
    if (points[middle][0] <= x) first = middle;
    else last = middle;
  }
  return Math.abs(points[first][0] - x) <= Math.abs(points[last][0] - x) ? points[first] : points[last];
}

/** The points of a curve by epsilon, with their intervals. */
export function curvePoints(evaluation) {
  return (evaluation?.curve ?? []).map(({ epsilon, accuracy }) => [epsilon, Number(accuracy.value), accuracy.interval.low, accuracy.interval.high]);
}
