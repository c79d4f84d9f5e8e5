/**
 * JSON-RPC 2.0 over one WebSocket, which is opened again when it is lost.
 *
 * Between attempts the wait grows from half a second to 15 seconds. A node that does not answer a
 * call in `answerTimeout` is taken for lost as well: a connection can be dead without being closed.
 */

const firstWait = 500;
const longestWait = 15_000;
const answerTimeout = 10_000;
const maximumPending = 100;

/** An error that the node answered with. */
export class CallError extends Error {
  constructor(error) {
    super(error?.message ?? "error");
    this.code = error?.code;
  }
}

export class Feed {
  /**
   * @param url where the node listens
   * @param listeners opened(), lost(since, nextAttempt) in milliseconds of Date.now, and
   *   notice(method, result) for each notification
   */
  constructor(url, listeners) {
    this.url = url;
    this.listeners = listeners;
    this.pending = new Map();
    this.nextId = 1;
    this.failures = 0;
    this.lostAt = null;
    this.socket = null;
  }

  get isOpen() { return this.socket?.readyState === WebSocket.OPEN; }

  connect() {
    clearTimeout(this.timer);
    const socket = new WebSocket(this.url);
    this.socket = socket;
    const opening = setTimeout(() => this.lose(socket), answerTimeout);
    socket.addEventListener("open", () => {
      clearTimeout(opening);
      if (socket !== this.socket) return;
      this.lostAt = null;
      this.listeners.opened();
    });
    socket.addEventListener("message", (event) => {
      if (socket === this.socket) this.receive(event.data);
    });
    socket.addEventListener("close", () => {
      clearTimeout(opening);
      this.lose(socket);
    });
  }

  /** Gives a socket up and plans the next attempt. */
  lose(socket) {
    if (socket !== this.socket) return;
    this.socket = null;
    socket.close();
    for (const call of this.pending.values()) {
      clearTimeout(call.timer);
      call.reject(new Error("the connection was lost"));
    }
    this.pending.clear();
    this.lostAt ??= Date.now();
    const wait = Math.min(longestWait, firstWait * 2 ** this.failures) * (0.8 + 0.4 * Math.random());
    this.failures += 1;
    this.timer = setTimeout(() => this.connect(), wait);
    this.listeners.lost(this.lostAt, Date.now() + wait);
  }

  /** Tries at once instead of waiting. */
  retry() {
    if (this.socket === null) this.connect();
  }

  receive(data) {
    let message;
    try {
      message = JSON.parse(data);
    } catch {
      this.lose(this.socket);
      return;
    }
    if (typeof message?.method === "string") {
      this.failures = 0;
      this.listeners.notice(message.method, message.params?.result);
      return;
    }
    const call = this.pending.get(message?.id);
    if (call === undefined) return;
    this.pending.delete(message.id);
    clearTimeout(call.timer);
    this.failures = 0;
    if (message.error) call.reject(new CallError(message.error));
    else call.resolve(message.result);
  }

  /** The result of a method; rejects with a CallError or when the connection is lost. */
  call(method, params = []) {
    const socket = this.socket;
    if (!this.isOpen || this.pending.size >= maximumPending) {
      return Promise.reject(new Error("the node is not connected"));
    }
    return new Promise((resolve, reject) => {
      const id = this.nextId++;
      const timer = setTimeout(() => this.lose(socket), answerTimeout);
      this.pending.set(id, { resolve, reject, timer });
      socket.send(JSON.stringify({ jsonrpc: "2.0", id, method, params }));
    });
  }
}
