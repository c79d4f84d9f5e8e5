/** What the canvases of the page have in common. */

import { themeColours } from "./display.js";

/** A canvas whose `draw` is called with the next frame when something has changed. */
export class Drawing {
  /** @param canvas the canvas; @param box the element whose size it follows */
  constructor(canvas, box) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d", { alpha: false });
    this.isDue = false;
    this.themeColours = null;
    new ResizeObserver(() => this.invalidate()).observe(box);
  }

  /** Draws again, with the next frame. */
  invalidate() {
    if (this.isDue) return;
    this.isDue = true;
    requestAnimationFrame(() => {
      this.isDue = false;
      this.draw();
    });
  }

  /** Other colours are in force. */
  themeChanged() {
    this.themeColours = null;
    this.invalidate();
  }

  get colours() {
    this.themeColours ??= themeColours();
    return this.themeColours;
  }

  /** Gives the canvas the pixels of the screen for a size in CSS pixels, and clears it. */
  begin(width, height) {
    const { canvas, context } = this;
    const ratio = Math.min(2, window.devicePixelRatio || 1);
    if (canvas.width !== Math.round(width * ratio)) canvas.width = Math.round(width * ratio);
    if (canvas.height !== Math.round(height * ratio)) canvas.height = Math.round(height * ratio);
    this.width = width;
    this.height = height;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.fillStyle = this.colours.panel;
    context.fillRect(0, 0, width, height);
  }
}
