"use strict";

/** A WebSocket that comes back by itself and goes on where it was. */
class Connection {
  #socket = null;
  #tries = 0;
  #timer = 0;
  #isReady = false;
  #isOver = false;  // the server let nobody in, or somebody else: only a person begins again
  #heard = 0;       // when a frame came last

  constructor(onFrame, onState, onDeleted) {
    this.onFrame = onFrame;
    this.onState = onState;
    this.onDeleted = onDeleted;
    addEventListener("online", () => { if (!this.#isOver) this.#reconnect(0); });
    setInterval(() => this.#ping(), 20000);
  }

  connect() {
    clearTimeout(this.#timer);
    this.#isOver = false;
    this.onState(this.#tries === 0 ? "connecting" : "reconnecting");
    const scheme = location.protocol === "https:" ? "wss://" : "ws://";
    const socket = new WebSocket(scheme + location.host + "/v1/chat", "chat.v1");
    this.#socket = socket;
    socket.onopen = () => {
      if (this.#socket !== socket) return;
      const hello = { type: "hello", client: "banter-page" };
      const token = kept.get("token");
      if (token) hello.token = token;
      const session = kept.get("session");
      if (session) hello.resume = session;
      socket.send(JSON.stringify(hello));
    };
    socket.onmessage = (event) => { if (this.#socket === socket) this.#take(JSON.parse(event.data)); };
    socket.onclose = (event) => { if (this.#socket === socket) this.#lost(event.code); };
  }

  send(frame) {
    if (!this.#isReady) return false;
    this.#socket.send(JSON.stringify(frame));
    return true;
  }

  /** Ends this conversation and begins another. */
  restart() {
    kept.set("session", null);
    const old = this.#socket;
    this.#socket = null;
    this.#isReady = false;
    if (old) old.close(1000);
    this.#tries = 0;
    this.connect();
  }

  /** A network that went away says nothing: who does not answer in ten seconds is lost. */
  #ping() {
    if (!this.#isReady) return;
    const socket = this.#socket, asked = performance.now();
    this.send({ type: "ping", t: asked });
    setTimeout(() => {
      if (this.#socket !== socket || this.#heard >= asked) return;
      this.#socket = null;
      socket.close();
      this.#lost(1006);
    }, 10000);
  }

  #take(frame) {
    this.#heard = performance.now();
    if (frame.type === "ready") {
      this.#isReady = true;
      this.#tries = 0;
      kept.set("session", { session: frame.session, resume_token: frame.resume_token,
                            epoch: frame.epoch, last_seq: frame.seq });
      this.onState("online");
    } else if (this.#isReady && frame.type !== "pong") {
      const session = kept.get("session");
      if (session && frame.seq > session.last_seq) kept.set("session", { ...session, last_seq: frame.seq });
    }
    this.onFrame(frame);
  }

  #lost(code) {
    this.#isReady = false;
    if (code === 1000) {  // it was deleted, as was asked for
      kept.set("session", null);
      this.onDeleted();
      this.#tries = 0;
      return this.connect();
    }
    this.#isOver = code >= 4400;
    if (code === 4401 && !kept.get("session")) return this.#ask();
    if (code === 4410 || code === 4401) {  // the session is gone: what is on the screen stays
      kept.set("session", null);
      return this.onState("expired");
    }
    if (code === 4409) return this.onState("elsewhere");
    if (code >= 4400) return this.onState("refused");
    this.onState("reconnecting");
    this.#reconnect(Math.min(15000, 500 * 2 ** this.#tries++) * (0.5 + Math.random() / 2));
  }

  #reconnect(pause) {
    if (this.#isReady || this.#socket?.readyState === WebSocket.CONNECTING) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.connect(), pause);
  }

  #ask() {
    this.onState("refused");
    const dialog = $("token-dialog");
    dialog.onclose = () => {
      const token = $("token").value.trim();
      if (!token) return;  // New asks again
      kept.set("token", token);
      this.connect();
    };
    dialog.showModal();
  }
}
