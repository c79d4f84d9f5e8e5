/** The two plots: how long finality takes, and the error rates that the votes report. */

import { percent } from "./display.js";
import { Drawing } from "./drawing.js";

const margin = { left: 52, right: 12, top: 10, bottom: 22 };

/** Above this average a validator abstains: docs/protocol.md, QuantumState. In basis points. */
const qberLimit = 1100;

/** A step of 1, 2 or 5 times a power of ten that divides `span` into at most four. */
function niceStep(span) {
  const power = 10 ** Math.floor(Math.log10(span / 4));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => span / step <= 4);
}

/** A canvas with a vertical axis, block numbers below, and what `paint` draws in between. */
class Plot extends Drawing {
  constructor(canvas, summary) {
    super(canvas, canvas.parentElement);
    this.summary = summary;
  }

  draw() {
    const { canvas, context } = this;
    const { clientWidth: width, clientHeight: height } = canvas;
    if (width === 0) return;
    this.begin(width, height);
    context.font = "11px system-ui, sans-serif";
    const { points, top, format, text } = this.content();
    if (this.summary.textContent !== text) {
      this.summary.textContent = text;
      canvas.setAttribute("aria-label", text);
    }
    this.area = {
      x0: margin.left, x1: width - margin.right, y0: height - margin.bottom, y1: margin.top, top,
      first: points[0]?.number ?? 0, last: points.at(-1)?.number ?? 0,
    };
    this.axes(format, points.length > 0);
    this.paint(points);
  }

  x(number) {
    const { first, last, x0, x1 } = this.area;
    return last === first ? (x0 + x1) / 2 : x0 + ((number - first) / (last - first)) * (x1 - x0);
  }

  y(value) {
    const { y0, y1, top } = this.area;
    return y0 + (Math.min(value, top) / top) * (y1 - y0);
  }

  axes(format, hasPoints) {
    const { context, colours } = this;
    const { x0, x1, y0, top, first, last } = this.area;
    const step = niceStep(top);
    context.textBaseline = "middle";
    context.lineWidth = 1;
    for (let value = 0; value <= top * 1.0001; value += step) {
      const y = Math.round(this.y(value)) + 0.5;
      context.strokeStyle = colours.line;
      context.beginPath();
      context.moveTo(x0, y);
      context.lineTo(x1, y);
      context.stroke();
      context.fillStyle = colours.muted;
      context.textAlign = "right";
      context.fillText(format(value), x0 - 8, y);
    }
    if (!hasPoints) return;
    context.textAlign = "left";
    context.fillText(`#${first}`, x0, y0 + 13);
    context.textAlign = "right";
    if (last !== first) context.fillText(`#${last}`, x1, y0 + 13);
  }

  line(points, value, colour) {
    const { context } = this;
    context.strokeStyle = colour;
    context.lineWidth = 1.5;
    context.beginPath();
    points.forEach((point) => context.lineTo(this.x(point.number), this.y(value(point))));
    context.stroke();
  }
}

export class LatencyPlot extends Plot {
  constructor(canvas, summary, model) {
    super(canvas, summary);
    this.model = model;
  }

  content() {
    const points = this.model.latencies.toSorted((a, b) => a.number - b.number);
    const sorted = points.map((point) => point.milliseconds).sort((a, b) => a - b);
    const worst = sorted.at(-1) ?? 0;
    const median = sorted[Math.floor(sorted.length / 2)];
    const text = sorted.length === 0
      ? "No block has become final while this page was open."
      : `${sorted.length} block${sorted.length === 1 ? "" : "s"}: median ${Math.round(median)} ms, longest ${Math.round(worst)} ms.`;
    const format = (value) => (value >= 10_000 ? `${value / 1000} s` : `${value} ms`);
    return { points, top: Math.max(100, worst * 1.1), format, text };
  }

  paint(points) {
    const { context, colours } = this;
    this.line(points, (point) => point.milliseconds, colours.band);
    context.fillStyle = colours.vote;
    for (const point of points) {
      context.beginPath();
      context.arc(this.x(point.number), this.y(point.milliseconds), 2.5, 0, 2 * Math.PI);
      context.fill();
    }
  }
}

export class QberPlot extends Plot {
  constructor(canvas, summary, model) {
    super(canvas, summary);
    this.model = model;
  }

  content() {
    const points = this.model.columns.filter((column) => column.qber);
    const highest = Math.max(0, ...points.map((column) => column.qber.highest));
    const top = Math.min(1.1 * qberLimit, Math.max(100, 1.5 * highest));
    const newest = points.at(-1)?.qber;
    const text = newest
      ? `Newest block: mean ${percent(newest.sum / newest.count)}, `
        + `${percent(newest.lowest)} to ${percent(newest.highest)}; validators abstain above 11 %.`
      : "No vote was seen yet; validators abstain above 11 %.";
    return { points, top, format: (value) => `${value / 100} %`, text };
  }

  paint(points) {
    const { context, colours } = this;
    context.fillStyle = colours.band;
    context.globalAlpha = 0.5;
    context.beginPath();
    points.forEach((point) => context.lineTo(this.x(point.number), this.y(point.qber.highest) - 1));
    points.toReversed().forEach(
      (point) => context.lineTo(this.x(point.number), this.y(point.qber.lowest) + 1));
    context.fill();
    context.globalAlpha = 1;
    this.line(points, (point) => point.qber.sum / point.qber.count, colours.vote);
    if (this.area.top < qberLimit) return;
    const y = this.y(qberLimit);
    context.setLineDash([6, 4]);
    context.strokeStyle = colours.alarm;
    context.beginPath();
    context.moveTo(this.area.x0, y);
    context.lineTo(this.area.x1, y);
    context.stroke();
    context.setLineDash([]);
  }
}
