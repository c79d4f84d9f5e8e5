/** The legend of the matrix, drawn with the same shapes. */

import { themeColours } from "./display.js";
import { drawShape } from "./matrix.js";

const size = 18;

export function drawLegend() {
  const colours = themeColours();
  const ratio = Math.min(2, window.devicePixelRatio || 1);
  for (const canvas of document.querySelectorAll("#legend canvas")) {
    canvas.width = canvas.height = size * ratio;
    const context = canvas.getContext("2d", { alpha: false });
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.fillStyle = colours.panel;
    context.fillRect(0, 0, size, size);
    drawShape(context, canvas.dataset.shape, size / 2, size / 2, 7, colours);
  }
}
