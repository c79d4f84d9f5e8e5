/** The parts of the page that are text: figures, blocks, the round, peers, counters. */

import {
  age, bytes, clock, duration, element, listed, setText, shortAddress, shortHash,
} from "./display.js";

const byId = (id) => document.getElementById(id);
const blockRows = 12;
const peerRows = 50;

const stateNames = {
  certified: "✓ final", final: "✓ final, no own certificate seen", waiting: "… waiting",
  abandoned: "– abandoned",
};

export function showFigures(model, now) {
  setText(byId("figure-best"), model.best ? `#${model.best.number}` : "–");
  setText(byId("figure-final"), model.final ? `#${model.final.number}` : "–");
  const since = model.final && model.lastFinalAt !== null ? age(now - model.lastFinalAt) : "–";
  setText(byId("figure-since"), since);
  setText(byId("figure-peers"), model.health ? `${model.health.peers}` : "–");
  const { set, round } = model;
  setText(byId("figure-round"), round?.best ? `${round.best.round}` : "–");
  setText(
    byId("figure-set"),
    set ? `${set.thresholdWeight} of ${set.totalWeight}` : "–");
  setText(byId("figure-set-id"), set ? `votes needed, set ${set.setId}` : "votes needed");
}

/** The list of blocks: a fixed number of rows, whose texts change. */
export class BlockList {
  constructor(model, chosen) {
    this.model = model;
    this.rows = Array.from({ length: blockRows }, () => this.row(chosen));
    byId("blocks").replaceChildren(...this.rows.map((row) => row.line));
  }

  row(chosen) {
    const line = element("tr");
    line.hidden = true;
    const cells = ["th", "td", "td", "td", "td"].map((name) => element(name));
    cells[0].scope = "row";
    const button = element("button", "Certificate", { type: "button", class: "small" });
    const row = { line, cells, button, column: null };
    button.addEventListener("click", () => chosen(row.column));
    const last = element("td");
    last.append(button);
    line.append(...cells, last);
    return row;
  }

  show() {
    const newest = this.model.columns.slice(-blockRows).reverse();
    this.rows.forEach((row, place) => {
      const column = newest[place];
      row.column = column ?? null;
      row.line.hidden = column === undefined;
      if (column === undefined) return;
      const state = this.model.state(column);
      const { prevotes, precommits } = this.model.tally(column);
      const latency = typeof column.latency === "number" ? duration(column.latency) : "";
      const texts = [
        `#${column.number}`, shortHash(column.hash), `${prevotes} / ${precommits}`,
        stateNames[state], latency,
      ];
      texts.forEach((text, index) => setText(row.cells[index], text));
      row.cells[1].title = column.hash;
      row.line.dataset.state = state;
      row.button.disabled = !column.isFinal && !column.certificate && state !== "final";
      row.button.setAttribute("aria-label", `Certificate for block ${column.number}`);
    });
  }
}

function votes(prefix, report) {
  const meter = byId(`${prefix}-meter`);
  meter.max = report.total;
  meter.value = report.votes.currentWeight;
  setText(
    byId(`${prefix}-count`),
    `${report.votes.currentWeight} of ${report.total}, ${report.threshold} needed`);
  const { missing } = report.votes;
  setText(
    byId(`${prefix}-missing`), missing.length === 0 ? "nobody is missing" : `missing: ${listed(missing)}`);
}

export function showRound(model) {
  const { best, lock, highestQuorumCertificate: certificate } = model.round ?? {};
  byId("round-body").hidden = !best;
  byId("round-none").hidden = Boolean(best);
  if (!best) return;
  setText(byId("round-title"), `Round ${best.round} of set ${model.round.setId}`);
  const common = { total: best.totalWeight, threshold: best.thresholdWeight };
  votes("prevotes", { ...common, votes: best.prevotes });
  votes("precommits", { ...common, votes: best.precommits });
  const reference = (item) =>
    item ? `#${item.number} ${shortHash(item.hash)}, round ${item.round}` : "none";
  setText(byId("round-lock"), reference(lock));
  setText(byId("round-certificate"), reference(certificate));
}

/** The table of peers, and of banned ones; rebuilt only when they have changed. */
export function showPeers(model) {
  const { peers, bans } = model;
  const isRefused = peers === "refused";
  byId("peers-refused").hidden = !isRefused;
  byId("peers-table").hidden = isRefused || !peers?.length;
  byId("peers-none").hidden = isRefused || peers === null || peers.length > 0;
  if (Array.isArray(peers)) {
    const lines = peers.slice(0, peerRows).map(peerLine);
    replaceChanged(byId("peers"), lines);
    const rest = peers.length - peerRows;
    setText(byId("peers-rest"), rest > 0 ? `and ${rest} more` : "");
  }
  const banned = Array.isArray(bans) ? bans.slice(0, peerRows) : [];
  byId("bans-part").hidden = banned.length === 0;
  replaceChanged(byId("bans"), banned.map((ban) => element(
    "li", `${shortAddress(ban.peerId)} until ${clock(ban.until * 1000)}, ${ban.count} times`,
    { title: ban.peerId })));
}

function peerLine(peer) {
  const line = element("tr");
  const isHybrid = peer.postQuantumTransport;
  line.append(
    element("th", shortAddress(peer.peerId), { scope: "row", title: peer.peerId }),
    element("td", peer.roles === "AUTHORITY" ? "validator" : "follows"),
    element("td", `#${peer.bestNumber}`),
    element("td", isHybrid ? "● post-quantum" : "▲ classic", {
      class: isHybrid ? "hybrid" : "classic",
      title: isHybrid ? "X25519 and ML-KEM-768 together" : "X25519 alone",
    }));
  return line;
}

function replaceChanged(parent, children) {
  const text = (nodes) => nodes.map((node) => node.textContent + (node.title ?? "")).join("\n");
  if (text([...parent.children]) !== text(children)) parent.replaceChildren(...children);
}

export function showStatistics(model) {
  const { statistics } = model;
  byId("statistics-part").hidden = !statistics || statistics === "refused";
  if (byId("statistics-part").hidden) return;
  const { gossip, process, connections } = statistics;
  const sum = (counts) => Object.values(counts ?? {}).reduce((total, count) => total + count, 0);
  setText(byId("count-accepted"), `${gossip.accepted}`);
  setText(byId("count-rejected"), `${sum(gossip.rejected)}`);
  setText(byId("count-traffic"), `${bytes(connections.bytesIn)} / ${bytes(connections.bytesOut)}`);
  setText(byId("count-memory"), bytes(process.residentBytes));
  setText(byId("count-cpu"), duration(process.cpuMicroseconds / 1000));
}

const troubleTexts = {
  noFinality(trouble) {
    const { prevotes, precommits } = trouble.missing;
    const last = trouble.last === null ? "" : ` The last final one is #${trouble.last}.`;
    const who = trouble.silent.length > 0 ? ` No vote since then from ${listed(trouble.silent)}.` : [
      prevotes.length > 0 ? ` This round has no prevote yet from ${listed(prevotes)}.` : "",
      precommits.length > 0 ? ` This round has no precommit yet from ${listed(precommits)}.` : "",
    ].join("");
    return `No block becomes final.${last}${who}`;
  },
  cutOff: () => "No peers: this node is cut off from the network.",
  fewPeers: ({ peers, most, stalled }) =>
    `Few peers: ${peers} of ${most} that were connected before.`
    + (stalled ? " Nothing becomes final either: the network may be partitioned." : ""),
  noBlocks: () => "No new block.",
  syncing: ({ sync }) => sync
    ? `Catching up: block ${sync.currentBlock} of ${sync.highestBlock}.` : "Catching up.",
};

/**
 * What is wrong, worst first.
 *
 * The text that screen readers announce stands still while a trouble lasts; the seconds beside it
 * count for the eyes only.
 */
export function showTroubles(troubles, now) {
  const list = byId("troubles");
  while (list.children.length < troubles.length) {
    const item = element("li");
    item.append(element("span", "", { class: "what" }), element("span", "", { "aria-hidden": "true" }));
    list.append(item);
  }
  while (list.children.length > troubles.length) list.lastElementChild.remove();
  troubles.forEach((trouble, place) => {
    const item = list.children[place];
    item.dataset.kind = trouble.kind;
    setText(item.children[0], troubleTexts[trouble.kind](trouble));
    const since = typeof trouble.since === "number" ? ` For ${age(now - trouble.since)}.` : "";
    setText(item.children[1], since);
  });
}

/** Whether the node answers, and if not since when. */
export function showConnection(connection, now) {
  const pill = byId("connection");
  pill.dataset.state = connection.state;
  setText(
    pill, { open: "● connected", lost: "■ not connected", opening: "… connecting" }[connection.state]);
  const isLost = connection.state === "lost";
  byId("lost").hidden = !isLost;
  if (!isLost) return;
  setText(
    byId("lost-what"),
    `The node does not answer since ${clock(connection.since)}. What is below is what was known then.`);
  const wait = Math.max(0, Math.ceil((connection.nextAttempt - now) / 1000));
  setText(
    byId("lost-when"), ` For ${age(now - connection.since)}; trying again ${wait > 0 ? `in ${wait} s` : "now"}.`);
}
