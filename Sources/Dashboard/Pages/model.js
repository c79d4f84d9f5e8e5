/**
 * What the page knows: blocks, who voted for them, and how the node is.
 *
 * No DOM and no clock: every change is given its time, in milliseconds of Date.now. Everything that
 * grows has a bound.
 */

/** What is known of a validator's votes for a block. */
export const Vote = Object.freeze({
  prevote: 1, precommit: 2, latePrevote: 4, latePrecommit: 8, double: 16,
});

export const columnLimit = 64;
const latencyLimit = 120;
const validatorLimit = 1000;
const intervalLimit = 20;

/** The least time without finality that is worth a warning, in milliseconds. */
const leastPatience = 10_000;

export class Model {
  constructor() {
    /** Blocks by ascending height, the columns of the matrix. */
    this.columns = [];
    this.byHash = new Map();
    /** The active set as coherence_validators gives it. */
    this.set = null;
    this.addresses = [];
    /** The validator that this node is, once one of its own votes was seen. */
    this.ownAddress = null;
    /** Address: when its newest vote came. */
    this.votedAt = new Map();
    /** Address: how many double votes were seen. */
    this.doubles = new Map();
    /** { number, milliseconds } of the newest blocks with a certificate. */
    this.latencies = [];
    this.best = null;
    this.final = null;
    this.lastFinalAt = null;
    this.lastBlockAt = null;
    /** Since when finality is watched without a break. */
    this.watchedFrom = null;
    this.intervals = [];
    this.round = null;
    this.health = null;
    this.sync = null;
    this.peers = null;
    this.bans = null;
    this.statistics = null;
    this.mostPeers = 0;
  }

  /** The connection was opened: what came before it says nothing about delays. */
  connected(now) {
    this.watchedFrom = now;
    this.lastBlockAt = null;
    this.mostPeers = 0;
  }

  // Blocks

  column(hash, number) {
    const known = this.byHash.get(hash);
    if (known) return known;
    if (this.columns.length >= columnLimit && number < this.columns[0].number) return null;
    const column = {
      hash, number, seenAt: null, isFinal: false, certificate: null, latency: null,
      setId: null, rounds: new Set(), votes: new Map(), qber: null,
    };
    let place = this.columns.length;
    while (place > 0 && this.columns[place - 1].number > number) place--;
    this.columns.splice(place, 0, column);
    this.byHash.set(hash, column);
    while (this.columns.length > columnLimit) {
      this.byHash.delete(this.columns.shift().hash);
    }
    return column;
  }

  /** A block of any branch. */
  block(hash, number, now) {
    const column = this.column(hash, number);
    if (column) column.seenAt ??= now;
  }

  /** The best block's header came. */
  bestBlock(hash, number, now) {
    this.block(hash, number, now);
    if (this.best && number > this.best.number && this.lastBlockAt !== null) {
      this.intervals.push((now - this.lastBlockAt) / (number - this.best.number));
      if (this.intervals.length > intervalLimit) this.intervals.shift();
    }
    this.lastBlockAt = now;
    this.best = { hash, number };
  }

  /** A block is final, and so are those below it. */
  finalBlock(hash, number, now) {
    const column = this.column(hash, number);
    if (column) column.isFinal = true;
    if (this.final && number <= this.final.number) return;
    this.final = { hash, number };
    this.lastFinalAt = now;
  }

  /** An event of coherence_subscribeCertificates. */
  certificate(event, now) {
    const { blockHash: hash, blockNumber: number, setId, round, signers, latencyMs } = event;
    this.finalBlock(hash, number, now);
    const column = this.column(hash, number);
    if (!column) return;
    column.certificate = { setId, round, signers: signers.slice(0, validatorLimit) };
    column.setId = setId;
    column.latency = latencyMs;
    this.countSigners(column);
    if (typeof latencyMs === "number" && !this.latencies.some((item) => item.number === number)) {
      this.latencies.push({ number, milliseconds: latencyMs });
      if (this.latencies.length > latencyLimit) this.latencies.shift();
    }
  }

  countSigners(column) {
    if (this.set?.setId !== column.certificate?.setId) return;
    for (const index of column.certificate.signers) {
      const address = this.addresses[index];
      if (address !== undefined) this.mark(column, address, Vote.precommit);
    }
  }

  mark(column, address, bit) {
    if (!column.votes.has(address) && column.votes.size >= validatorLimit) return;
    column.votes.set(address, (column.votes.get(address) ?? 0) | bit);
  }

  // Votes

  /** An event of coherence_subscribeVotes. */
  vote(event, now) {
    if (event.kind === "doubleVote") return this.doubleVote(event);
    if (this.votedAt.has(event.validator) || this.votedAt.size < validatorLimit) {
      this.votedAt.set(event.validator, now);
    }
    if (event.own) this.ownAddress = event.validator;
    if (event.blockHash === null || event.blockHash === undefined) return undefined;
    const column = this.column(event.blockHash, event.blockNumber);
    if (!column) return undefined;
    column.setId ??= event.setId;
    if (column.rounds.size < 16) column.rounds.add(event.round);
    const isPrevote = event.voteType === "Prevote";
    const bit = event.isLate
      ? (isPrevote ? Vote.latePrevote : Vote.latePrecommit)
      : (isPrevote ? Vote.prevote : Vote.precommit);
    this.mark(column, event.validator, bit);
    this.countQber(column, event.quantumState);
    return undefined;
  }

  countQber(column, state) {
    if (typeof state?.averageQber !== "number") return;
    column.qber ??= { lowest: Infinity, highest: -Infinity, sum: 0, count: 0 };
    const { qber } = column;
    qber.lowest = Math.min(qber.lowest, state.averageQber);
    qber.highest = Math.max(qber.highest, state.averageQber);
    qber.sum += state.averageQber;
    qber.count += 1;
  }

  /** Two votes of one slot: shown at the blocks of that round that the validator voted for. */
  doubleVote(event) {
    const { validator, round } = event;
    if (this.doubles.has(validator) || this.doubles.size < validatorLimit) {
      this.doubles.set(validator, (this.doubles.get(validator) ?? 0) + 1);
    }
    const hit = this.columns.filter(
      (column) => column.rounds.has(round) && column.votes.has(validator));
    const shown = hit.length > 0 ? hit : this.columns.slice(-1);
    for (const column of shown) this.mark(column, validator, Vote.double);
  }

  // The node

  setValidators(set) {
    this.set = set;
    this.addresses = set.validators.slice(0, validatorLimit).map((item) => item.account);
    for (const column of this.columns) if (column.certificate) this.countSigners(column);
  }

  setHealth(health) {
    this.health = health;
    this.mostPeers = Math.max(this.mostPeers, health.peers);
  }

  // What follows from it

  /**
   * What the matrix shows for a validator and a block: "double", "precommit", "latePrecommit",
   * "prevote", "latePrevote", "missing", "waiting", or "none" where no vote was called for.
   */
  cell(column, address) {
    const bits = column.votes.get(address) ?? 0;
    if (bits & Vote.double) return "double";
    if (bits & Vote.precommit) return "precommit";
    if (bits & Vote.latePrecommit) return "latePrecommit";
    if (bits & Vote.prevote) return "prevote";
    if (bits & Vote.latePrevote) return "latePrevote";
    if (column.certificate) return column.setId === this.set?.setId ? "missing" : "none";
    return this.state(column) === "waiting" ? "waiting" : "none";
  }

  /** "certified", "final" (by a certificate above it, or one that the page has not seen), "waiting" or "abandoned". */
  state(column) {
    if (column.certificate) return "certified";
    if (column.isFinal) return "final";
    if (this.final === null || column.number > this.final.number) return "waiting";
    // Below the final block only one branch is left: the one that its certificates are on.
    const rival = this.columns.some(
      (other) => other !== column && other.number === column.number
        && (other.certificate || other.isFinal));
    return rival || column.number === this.final.number ? "abandoned" : "final";
  }

  /** How many validators have prevoted and precommitted for a block. */
  tally(column) {
    let prevotes = 0;
    let precommits = 0;
    for (const bits of column.votes.values()) {
      if (bits & (Vote.prevote | Vote.latePrevote)) prevotes++;
      if (bits & (Vote.precommit | Vote.latePrecommit)) precommits++;
    }
    return { prevotes, precommits };
  }

  /** The usual time between blocks, in milliseconds; null before two were seen. */
  get blockInterval() {
    if (this.intervals.length === 0) return null;
    const sorted = this.intervals.toSorted((a, b) => a - b);
    return sorted[Math.floor(sorted.length / 2)];
  }

  /**
   * What is wrong now, the worst first: { kind, since, ... }. `since` is in milliseconds of
   * Date.now, or null.
   */
  troubles(now) {
    const found = [];
    const patience = Math.max(leastPatience, 4 * (this.blockInterval ?? 0));
    const since = Math.max(this.lastFinalAt ?? 0, this.watchedFrom ?? now);
    const stalled = now - since > patience;
    const { peers, shouldHavePeers, isSyncing } = this.health ?? {};
    if (stalled) {
      found.push({
        kind: "noFinality", since: this.lastFinalAt ?? since, last: this.final?.number ?? null,
        silent: this.silent(since), missing: this.missing(),
      });
    }
    if (shouldHavePeers && peers === 0) found.push({ kind: "cutOff", most: this.mostPeers });
    else if (peers !== undefined && 2 * peers < this.mostPeers) {
      found.push({ kind: "fewPeers", peers, most: this.mostPeers, stalled });
    }
    if (this.lastBlockAt !== null && now - this.lastBlockAt > patience) {
      found.push({ kind: "noBlocks", since: this.lastBlockAt });
    }
    if (isSyncing) found.push({ kind: "syncing", sync: this.sync });
    return found;
  }

  /** The validators of which no vote has come since then, not even one for no block. */
  silent(since) {
    return this.addresses.filter((address) => (this.votedAt.get(address) ?? 0) <= since);
  }

  /** The validators that the current round waits for. */
  missing() {
    const best = this.round?.best;
    if (!best) return { prevotes: [], precommits: [] };
    return { prevotes: best.prevotes.missing, precommits: best.precommits.missing };
  }
}
