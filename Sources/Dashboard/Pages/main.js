/** Puts the parts together: what comes from the node goes into the model, and from there on screen. */

import { shortAddress, shortHash } from "./display.js";
import { CallError, Feed } from "./feed.js";
import { Inspector } from "./inspector.js";
import { drawLegend } from "./legend.js";
import { Matrix } from "./matrix.js";
import { Model } from "./model.js";
import {
  BlockList, showConnection, showFigures, showPeers, showRound, showStatistics, showTroubles,
} from "./panels.js";
import { LatencyPlot, QberPlot } from "./plots.js";
import { headerHash } from "./scale.js";
import { startTheme } from "./theme.js";

const byId = (id) => document.getElementById(id);
const subscriptions = [
  "chain_subscribeNewHeads", "chain_subscribeFinalizedHeads", "chain_subscribeAllHeads",
  "coherence_subscribeCertificates", "coherence_subscribeVotes",
];
const headerLimit = 32;

const model = new Model();
const connection = { state: "opening", since: null, nextAttempt: null };
const feed = new Feed(
  `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/`, { opened, lost, notice });
const call = (method, parameters) => feed.call(method, parameters);
const inspector = new Inspector(call, model, location.host);
const inspect = (column) => {
  if (model.state(column) === "certified" || model.state(column) === "final") inspector.open(column.number);
};
const matrix = new Matrix(byId("matrix"), model, describe, inspect);
const blocks = new BlockList(model, inspect);
const plots = [
  new LatencyPlot(byId("latency"), byId("latency-summary"), model),
  new QberPlot(byId("qber"), byId("qber-summary"), model),
];

// From the node

async function opened() {
  connection.state = "open";
  model.connected(Date.now());
  changed();
  await Promise.all([...subscriptions.map((method) => ask(method)), introduce(), poll(), pollSlowly()]);
}

function lost(since, nextAttempt) {
  Object.assign(connection, { state: "lost", since, nextAttempt });
  changed();
}

/** The result of a call, "refused" when the node does not serve it, undefined without an answer. */
async function ask(method, parameters = []) {
  try {
    return await call(method, parameters);
  } catch (error) {
    return error instanceof CallError ? "refused" : undefined;
  }
}

async function introduce() {
  const [name, version, chain] = await Promise.all(
    ["system_name", "system_version", "system_chain"].map((method) => ask(method)));
  if (chain === undefined) return;
  model.chain = chain;
  byId("node").textContent = `${name} ${version} on ${chain}`;
  document.title = `${chain} – QuantumHarmony`;
  await learnSet();
}

async function learnSet() {
  const set = await ask("coherence_validators");
  if (Array.isArray(set?.validators)) model.setValidators(set);
  changed();
}

async function poll() {
  const [health, round, sync] = await Promise.all(
    ["system_health", "coherence_roundState", "system_syncState"].map((method) => ask(method)));
  if (typeof health?.peers === "number") model.setHealth(health);
  model.round = typeof round === "object" ? round : null;
  if (typeof sync === "object") model.sync = sync;
  if (model.round && model.set && model.round.setId !== model.set.setId) await learnSet();
  changed();
}

async function pollSlowly() {
  const [peers, bans, statistics] = await Promise.all(
    ["system_peers", "coherence_bans", "coherence_statistics"].map((method) => ask(method)));
  if (peers !== undefined) model.peers = peers;
  if (bans !== undefined) model.bans = bans;
  if (statistics !== undefined) model.statistics = statistics;
  changed();
}

/** The hashes of the newest headers: each comes up to three times. */
const hashes = new Map();

function hashOf(header) {
  const key = `${header.parentHash} ${header.stateRoot} ${header.digest.logs.at(-1) ?? ""}`;
  let hash = hashes.get(key);
  if (hash === undefined) {
    hash = headerHash(header);
    hashes.set(key, hash);
    if (hashes.size > headerLimit) hashes.delete(hashes.keys().next().value);
  }
  return hash;
}

const handlers = {
  chain_newHead: (header, number, now) => model.bestBlock(hashOf(header), number, now),
  chain_allHead: (header, number, now) => model.block(hashOf(header), number, now),
  chain_finalizedHead: (header, number, now) => model.finalBlock(hashOf(header), number, now),
};

function notice(method, result) {
  const now = Date.now();
  if (method === "coherence_vote") model.vote(result, now);
  else if (method === "coherence_certificate") certificate(result, now);
  else handlers[method]?.(result, parseInt(result.number, 16), now);
  changed();
}

function certificate(event, now) {
  model.certificate(event, now);
  if (model.set && event.setId > model.set.setId) learnSet();
}

// On screen

let textIsDue = false;

/** Shows a change: canvases with the next frame, texts at most four times a second. */
function changed() {
  matrix.invalidate();
  for (const plot of plots) plot.invalidate();
  if (textIsDue) return;
  textIsDue = true;
  setTimeout(() => {
    textIsDue = false;
    showTexts();
  }, 250);
}

function showTexts() {
  const now = Date.now();
  showConnection(connection, now);
  showFigures(model, now);
  showTroubles(connection.state === "open" ? model.troubles(now) : [], now);
  blocks.show();
  showRound(model);
  showPeers(model);
  showStatistics(model);
}

const cellNames = {
  double: "double vote", precommit: "precommit", latePrecommit: "late precommit",
  prevote: "prevote only", latePrevote: "late prevote", missing: "no vote",
  waiting: "no vote yet", none: "no vote called for",
};

/** The words for the cell under the cursor. */
function describe(column, address) {
  byId("matrix-cell").textContent =
    `Validator ${model.addresses.indexOf(address)} (${shortAddress(address)}), block #${column.number} `
    + `${shortHash(column.hash)}: ${cellNames[model.cell(column, address)]}.`;
}

startTheme(byId("theme"), () => {
  matrix.themeChanged();
  for (const plot of plots) plot.themeChanged();
  drawLegend();
});
drawLegend();
byId("retry").addEventListener("click", () => feed.retry());
setInterval(() => { if (feed.isOpen) poll(); }, 2000);
setInterval(() => { if (feed.isOpen) pollSlowly(); }, 5000);
setInterval(showTexts, 1000);
showTexts();
feed.connect();
