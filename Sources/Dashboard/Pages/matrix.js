/**
 * The matrix of votes: a row for each validator, a column for each block, on one canvas.
 *
 * The canvas is as large as what is seen of it, however many validators there are: the scrolling
 * box holds an empty element of the full height, and the rows in view are drawn.
 */

import { shortAddress } from "./display.js";
import { Drawing } from "./drawing.js";

const headerHeight = 34;
const rowHeight = 22;
const denseRowHeight = 16;
const denseFrom = 40;

export class Matrix extends Drawing {
  /**
   * @param box the scrolling element, which has a canvas and a spacer in it
   * @param model what is shown
   * @param pointed called with the column and the address that the cursor is on
   * @param chosen called with the column when it is chosen
   */
  constructor(box, model, pointed, chosen) {
    super(box.querySelector("canvas"), box);
    this.box = box;
    this.spacer = box.querySelector(".spacer");
    this.model = model;
    this.pointed = pointed;
    this.chosen = chosen;
    this.cursor = null;
    box.addEventListener("scroll", () => this.invalidate(), { passive: true });
    box.addEventListener("keydown", (event) => this.key(event));
    box.addEventListener("pointermove", (event) => this.pointer(event));
    box.addEventListener("click", (event) => {
      if (this.pointer(event) && this.cursor.hash) this.chosen(this.model.byHash.get(this.cursor.hash));
    });
    box.addEventListener("focus", () => this.move(0, 0));
    box.addEventListener("blur", () => this.invalidate());
  }

  // Geometry

  measure() {
    const rows = this.model.addresses.length;
    const width = this.box.clientWidth;
    const isNarrow = width < 480;
    this.rowHeight = rows >= denseFrom ? denseRowHeight : rowHeight;
    this.labelWidth = isNarrow ? 92 : 150;
    this.columnWidth = isNarrow ? 20 : 28;
    const fitting = Math.max(1, Math.floor((width - this.labelWidth) / this.columnWidth));
    this.visible = this.model.columns.slice(-fitting);
    const total = headerHeight + rows * this.rowHeight;
    const tallest = Math.min(520, Math.max(220, window.innerHeight * 0.6));
    const height = Math.min(total, tallest);
    const style = `${Math.ceil(height)}px`;
    if (this.box.style.height !== style) this.box.style.height = style;
    this.spacer.style.height = `${Math.max(0, total - height)}px`;
    this.begin(width, Math.ceil(height));
    this.canvas.style.width = `${this.width}px`;
    this.canvas.style.height = `${this.height}px`;
  }

  // Drawing

  draw() {
    this.measure();
    const { context } = this;
    context.font = "12px system-ui, sans-serif";
    context.textBaseline = "middle";
    const first = Math.max(0, Math.floor(this.box.scrollTop / this.rowHeight));
    const last = Math.min(
      this.model.addresses.length,
      first + Math.ceil((this.height - headerHeight) / this.rowHeight) + 1);
    this.rowsAndCells(first, last);
    this.header();
  }

  top(row) { return headerHeight + row * this.rowHeight - this.box.scrollTop; }

  left(place) { return this.labelWidth + place * this.columnWidth; }

  rowsAndCells(first, last) {
    const { context, colours, model } = this;
    for (let row = first; row < last; row++) {
      const address = model.addresses[row];
      const top = this.top(row);
      if (row % 2 === 1) {
        context.fillStyle = colours.stripe;
        context.fillRect(0, top, this.width, this.rowHeight);
      }
      this.label(row, address, top);
      this.visible.forEach((column, place) => {
        drawShape(
          context, model.cell(column, address), this.left(place) + this.columnWidth / 2,
          top + this.rowHeight / 2, Math.min(7, this.rowHeight / 2 - 2), colours);
      });
    }
    this.drawCursor();
  }

  label(row, address, top) {
    const { context, colours, model } = this;
    const isOwn = address === model.ownAddress;
    context.textAlign = "left";
    context.fillStyle = isOwn ? colours.text : colours.muted;
    context.font = `${isOwn ? "600 " : ""}12px system-ui, sans-serif`;
    const name = this.labelWidth < 120 ? address.slice(0, 6) : shortAddress(address);
    const middle = top + this.rowHeight / 2;
    context.fillText(`${row}`, 8, middle);
    context.fillText(name, 36, middle);
    if (model.doubles.has(address)) {
      drawShape(context, "double", this.labelWidth - 10, middle, 6, colours);
    }
  }

  drawCursor() {
    if (!this.cursor || document.activeElement !== this.box) return;
    const place = this.visible.findIndex((column) => column.hash === this.cursor.hash);
    if (place < 0) return;
    const { context, colours } = this;
    context.strokeStyle = colours.focus;
    context.lineWidth = 2;
    context.strokeRect(
      this.left(place) + 1, this.top(this.cursor.row) + 1, this.columnWidth - 2, this.rowHeight - 2);
  }

  header() {
    const { context, colours, model } = this;
    context.fillStyle = colours.panel;
    context.fillRect(0, 0, this.width, headerHeight);
    context.fillStyle = colours.line;
    context.fillRect(0, headerHeight - 1, this.width, 1);
    context.textAlign = "left";
    context.fillStyle = colours.muted;
    context.font = "11px system-ui, sans-serif";
    context.fillText("validator", 8, 10);
    context.fillText("final", 8, 24);
    context.textAlign = "center";
    const digits = this.columnWidth < 24 ? 2 : 3;
    this.visible.forEach((column, place) => {
      const middle = this.left(place) + this.columnWidth / 2;
      context.fillStyle = colours.muted;
      context.fillText(`${column.number}`.slice(-digits), middle, 10);
      drawFinality(context, model.state(column), middle, 24, colours);
    });
  }

  // Pointing

  pointer(event) {
    const bounds = this.canvas.getBoundingClientRect();
    const x = event.clientX - bounds.left;
    const y = event.clientY - bounds.top;
    const place = Math.floor((x - this.labelWidth) / this.columnWidth);
    const row = Math.floor((y - headerHeight + this.box.scrollTop) / this.rowHeight);
    const column = this.visible?.[place];
    if (!column || y < headerHeight || !(row >= 0 && row < this.model.addresses.length)) return false;
    this.place(row, column);
    return true;
  }

  place(row, column) {
    this.cursor = { row, hash: column.hash };
    this.pointed(column, this.model.addresses[row]);
    this.invalidate();
  }

  key(event) {
    const page = Math.max(1, Math.floor((this.height - headerHeight) / this.rowHeight) - 1);
    const steps = {
      ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1],
      PageUp: [-page, 0], PageDown: [page, 0], Home: [0, -Infinity], End: [0, Infinity],
    };
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key === "Enter" || event.key === " ") {
      const column = this.cursor && this.model.byHash.get(this.cursor.hash);
      if (column) this.chosen(column);
    } else if (steps[event.key]) {
      this.move(...steps[event.key]);
    } else {
      return;
    }
    event.preventDefault();
  }

  /** Moves the cursor; a first one stands on the newest block. */
  move(down, right) {
    const { addresses } = this.model;
    if (addresses.length === 0 || !this.visible?.length) return;
    const last = this.visible.length - 1;
    const old = this.cursor
      ? this.visible.findIndex((column) => column.hash === this.cursor.hash) : last;
    const place = Math.max(0, Math.min(last, Math.max(0, old) + right));
    const row = Math.max(0, Math.min(addresses.length - 1, (this.cursor?.row ?? 0) + down));
    const top = row * this.rowHeight;
    const seen = this.height - headerHeight - this.rowHeight;
    if (top < this.box.scrollTop) this.box.scrollTop = top;
    if (top > this.box.scrollTop + seen) this.box.scrollTop = top - seen;
    this.place(row, this.visible[place]);
  }
}

/** Draws the sign of a cell: every state has a shape of its own beside its colour. */
export function drawShape(context, state, x, y, size, colours) {
  context.beginPath();
  context.lineWidth = 2;
  switch (state) {
    case "prevote":
      context.arc(x, y, size - 1.5, 0, 2 * Math.PI);
      context.strokeStyle = colours.vote;
      context.stroke();
      break;
    case "precommit":
      context.arc(x, y, size - 0.5, 0, 2 * Math.PI);
      context.fillStyle = colours.vote;
      context.fill();
      break;
    case "latePrevote":
    case "latePrecommit":
      context.moveTo(x, y - size);
      context.lineTo(x + size, y);
      context.lineTo(x, y + size);
      context.lineTo(x - size, y);
      context.closePath();
      context.fillStyle = context.strokeStyle = colours.late;
      context[state === "latePrecommit" ? "fill" : "stroke"]();
      break;
    case "missing":
      context.moveTo(x - size * 0.6, y - size * 0.6);
      context.lineTo(x + size * 0.6, y + size * 0.6);
      context.moveTo(x + size * 0.6, y - size * 0.6);
      context.lineTo(x - size * 0.6, y + size * 0.6);
      context.strokeStyle = colours.muted;
      context.stroke();
      break;
    case "double":
      context.moveTo(x, y - size);
      context.lineTo(x + size, y + size * 0.8);
      context.lineTo(x - size, y + size * 0.8);
      context.closePath();
      context.fillStyle = colours.alarm;
      context.fill();
      context.fillStyle = colours.panel;
      context.fillRect(x - 0.9, y - size * 0.35, 1.8, size * 0.6);
      context.fillRect(x - 0.9, y + size * 0.4, 1.8, size * 0.22);
      break;
    case "waiting":
      context.arc(x, y, 1.5, 0, 2 * Math.PI);
      context.fillStyle = colours.muted;
      context.fill();
      break;
    default:
      break;
  }
}

/** A tick below the number of a final block, a ring while it waits, a bar when it was abandoned. */
function drawFinality(context, state, x, y, colours) {
  context.beginPath();
  context.lineWidth = 2;
  if (state === "certified" || state === "final") {
    context.strokeStyle = colours.good;
    context.moveTo(x - 5, y);
    context.lineTo(x - 1.5, y + 4);
    context.lineTo(x + 5, y - 4);
    if (state === "final") context.setLineDash([3, 2]);
  } else if (state === "waiting") {
    context.strokeStyle = colours.muted;
    context.arc(x, y, 3.5, 0, 2 * Math.PI);
  } else {
    context.strokeStyle = colours.muted;
    context.moveTo(x - 4, y);
    context.lineTo(x + 4, y);
  }
  context.stroke();
  context.setLineDash([]);
}
