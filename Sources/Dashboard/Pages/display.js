/** Texts and colours that the parts of the page share. */

export const shortHash = (hash) => `${hash.slice(0, 8)}…${hash.slice(-4)}`;

export const shortAddress = (address) =>
  address.length <= 14 ? address : `${address.slice(0, 6)}…${address.slice(-5)}`;

/** The time that a number of milliseconds is: "36 ms", "4.2 s", "42 s", "3 min 5 s", "2 h 10 min". */
export function duration(milliseconds) {
  if (milliseconds < 1000) return `${Math.round(Math.max(0, milliseconds))} ms`;
  const seconds = milliseconds / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60)} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor(seconds / 60) % 60} min`;
}

/** As `duration`, in whole seconds: for ages that are shown once a second. */
export function age(milliseconds) {
  return milliseconds < 10_000 ? `${Math.max(0, Math.floor(milliseconds / 1000))} s` : duration(milliseconds);
}

/** The time of day. */
export const clock = (milliseconds) =>
  new Date(milliseconds).toLocaleTimeString([], { hour12: false });

/** Names in one sentence: the first ones, and how many more there are. */
export function listed(addresses, limit = 8) {
  const names = addresses.slice(0, limit).map(shortAddress).join(", ");
  const rest = addresses.length - limit;
  return rest > 0 ? `${names} and ${rest} more` : names;
}

export const percent = (basisPoints) => `${(basisPoints / 100).toFixed(2)} %`;

export function bytes(count) {
  if (count < 1024) return `${count} B`;
  if (count < 1 << 20) return `${(count / 1024).toFixed(1)} KiB`;
  return `${(count / (1 << 20)).toFixed(1)} MiB`;
}

const colourNames = [
  "panel", "stripe", "line", "text", "muted", "vote", "late", "alarm", "good", "focus", "band",
];

/** The colours of the theme in force, for canvases. */
export function themeColours() {
  const probe = document.createElement("span");
  document.body.append(probe);
  const colours = {};
  for (const name of colourNames) {
    probe.style.color = `var(--${name})`;
    colours[name] = getComputedStyle(probe).color;
  }
  probe.remove();
  return colours;
}

/** Sets an element's text if it is another one, so that nothing is laid out in vain. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** An element with a text and attributes. */
export function element(name, text = "", attributes = {}) {
  const made = document.createElement(name);
  if (text !== "") made.textContent = text;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}
