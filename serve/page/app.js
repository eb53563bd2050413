"use strict";
// The chat page. One connection, one conversation; what the server says is the truth, and what is on
// the screen can be drawn anew from it. Texts of people and models only ever become textContent.

const $ = (id) => document.getElementById(id);

/** An element with properties and children. */
function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === "class") element.className = value;
    else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name in element && name !== "list") element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

const percent = (share) => (share * 100).toFixed(share < 0.1 ? 1 : 0) + " %";

// ---- what is kept over a reload -----------------------------------------------------------------

const kept = {
  get(name) { try { return JSON.parse(sessionStorage.getItem("banter." + name)); } catch { return null; } },
  set(name, value) {
    if (value === null) sessionStorage.removeItem("banter." + name);
    else sessionStorage.setItem("banter." + name, JSON.stringify(value));
  },
};

// ---- the connection -----------------------------------------------------------------------------

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

// ---- what a reply looked at ---------------------------------------------------------------------

const nameOf = (source) => ("fact" in source ? "persona " + (source.fact + 1) : "turn " + source.turn);
const keyOf = (source) => nameOf(source) + " " + (source.at ?? "");
const isOf = (source) => (word) => word.fact === source.fact && word.turn === source.turn;

/** What a frame tells of a reply or of one of its tokens, by level; null where it does not. */
function seenOf({ weights, turns, static: fixed, static_turns: fixedTurns }) {
  return turns ? { turns, words: weights, fixed: { turns: fixedTurns, words: fixed } }
               : { turns: weights, words: null, fixed: { turns: fixed } };
}

/** A source's text, the words in it that have a weight tinted by their share of `most`. */
function tinted(text, words, most) {
  const letters = [...text], parts = [];
  let end = 0;
  for (const word of [...words].sort((one, other) => one.at - other.at)) {
    const said = [...word.token.trim()];
    let begin = word.at;
    while (begin < letters.length && !letters[begin].trim()) ++begin;
    const found = letters.slice(begin, begin + said.length);
    // A vocabulary may write a text otherwise; then the word stands in the list alone.
    if (!said.length || begin < end || found.join("").toLowerCase() !== said.join("").toLowerCase()) continue;
    const mark = make("mark", { title: word.w.toFixed(3) }, found.join(""));
    mark.style.setProperty("--share", most > 0 ? word.w / most : 0);
    parts.push(letters.slice(end, begin).join(""), mark);
    end = begin + said.length;
  }
  return [...parts, letters.slice(end).join("")];
}

/** Bars and numbers over the turns and facts that a reply read, and over their words. */
class Heat {
  static level = "turns";  // that was chosen last

  constructor(textOf) {
    this.textOf = textOf;
    this.tokens = [];
    this.mean = null;
    this.fixed = {};
    this.chosen = -1;
    this.level = Heat.level;
    this.tokenBox = make("div", { class: "tokens", role: "group" });
    this.tokenBox.setAttribute("aria-label", "Tokens of the reply; choose one to see its weights");
    this.levels = make("div", { class: "levels", role: "group", hidden: true, "aria-label": "Weights of turns or of words" },
                       ...["turns", "words"].map((level) =>
                         make("button", { type: "button", onclick: () => this.show(level) }, level)));
    this.texts = make("div", { class: "texts", hidden: true });
    this.table = make("table", { class: "sources" });
    this.summary = make("summary", {}, "What it looked at");
    this.element = make("details", { hidden: true }, this.summary, this.levels, this.tokenBox, this.texts, this.table);
  }

  /** More tokens, each with its weights. */
  add(tokens) {
    for (const token of tokens) {
      const place = this.tokens.push({ text: token.text, seen: seenOf(token) }) - 1;
      const show = () => this.choose(place);
      this.tokenBox.append(make("button", { type: "button", onmouseenter: show, onfocus: show,
                                            onclick: show, "aria-pressed": "false" },
                                token.text.trimStart() || "␣"));
    }
    this.element.hidden = false;
    this.#draw(this.tokens[this.tokens.length - 1].seen);
  }

  finish(attention) {
    this.mean = seenOf(attention);
    this.fixed = this.mean.fixed;
    this.element.hidden = false;
    this.choose(-1);
  }

  choose(place) {
    this.chosen = place;
    [...this.tokenBox.children].forEach((button, i) =>
      button.setAttribute("aria-pressed", String(i === place)));
    const seen = place >= 0 ? this.tokens[place].seen : this.mean;
    if (seen) this.#draw(seen);
  }

  /** Weights of turns, or of words. */
  show(level) {
    this.level = Heat.level = level;
    this.choose(this.chosen);
  }

  #draw(seen) {
    const level = seen.words ? this.level : "turns";
    this.levels.hidden = !seen.words;
    for (const button of this.levels.children)
      button.setAttribute("aria-pressed", String(button.textContent === level));
    this.#drawTexts(level === "words" ? seen : { turns: [], words: [] });
    this.#drawTable(seen[level], this.fixed[level], level);
  }

  #drawTexts({ turns, words }) {
    const most = Math.max(0, ...words.map((word) => word.w ?? 0));
    this.texts.hidden = words.length === 0;
    this.texts.replaceChildren(...turns.map((source) =>
      make("p", {}, nameOf(source) + ": ", ...tinted(this.textOf(source), words.filter(isOf(source)), most))));
  }

  #drawTable(weights, fixedWeights, level) {
    const fixed = fixedWeights && new Map(fixedWeights.map((source) => [keyOf(source), source.w]));
    const cell = (share, kind) => {
      if (share === undefined) return make("td", { class: "weight" }, "–");  // among those that are left out
      const bar = make("span", { class: "bar " + kind });
      bar.style.width = Math.round(share * 100) + "%";
      return make("td", { class: "weight" }, share.toFixed(3), bar);
    };
    const head = make("tr", {}, make("th", { scope: "col" }, this.chosen >= 0 ? "at this token" : "mean"));
    if (fixed) head.append(make("th", { scope: "col" }, "static"));
    head.append(make("th", { scope: "col" }, level === "words" ? "word" : "source"));
    const rows = weights.map((source) => {
      const row = make("tr", {}, cell(source.w ?? 0, ""));
      if (fixed) row.append(cell(fixed.get(keyOf(source)), "static"));
      const word = source.token ? "“" + (source.token.trim() || "␣") + "”" : "a mark";
      row.append(make("td", {}, level === "words" ? word + " in " + nameOf(source)
                                                  : nameOf(source) + ": " + this.textOf(source)));
      return row;
    });
    this.table.replaceChildren(make("thead", {}, head), make("tbody", {}, ...rows));
  }
}

// ---- the conversation on the screen -------------------------------------------------------------

/** A user's turn. */
class UserTurn {
  constructor(text) {
    this.text = text;
    this.element = make("li", { class: "turn user" }, make("p", { class: "said" }, text));
  }
}

/** A reply, while it is written and after. */
class ReplyTurn {
  constructor(chat, facts) {
    this.chat = chat;
    this.facts = facts;
    this.turn = -1;
    this.text = "";
    this.seed = null;
    this.said = make("p", { class: "said" });
    this.badges = make("ul", { class: "badges", hidden: true });
    this.badges.setAttribute("aria-label", "Consistency with the persona");
    this.others = make("details", { hidden: true });
    this.meta = make("p", { class: "meta" });
    this.heat = new Heat((source) => ("fact" in source ? this.facts[source.fact] ?? "" : chat.textOf(source.turn)));
    const rate = (value, label, mark) =>
      make("button", { type: "button", "aria-pressed": "false", "aria-label": label,
                       onclick: () => this.rate(this.rating === value ? 0 : value) }, mark);
    this.up = rate(1, "Good reply", "Good");
    this.down = rate(-1, "Bad reply", "Bad");
    this.again = make("button", { type: "button", onclick: () => chat.regenerate(this, {}) }, "Another");
    this.same = make("button", { type: "button",
                                 onclick: () => chat.regenerate(this, { seed: this.seed }) }, "Same again");
    this.copy = make("button", { type: "button",
                                 onclick: () => navigator.clipboard?.writeText(this.text) }, "Copy");
    this.actions = make("div", { class: "actions", hidden: true },
                        this.up, this.down, this.again, this.same, this.copy);
    this.element = make("li", { class: "turn reply waiting" }, this.said, this.badges, this.meta,
                        this.heat.element, this.others, this.actions);
    this.rating = 0;
  }

  begin() {
    this.text = "";
    this.said.textContent = "";
    this.badges.hidden = this.others.hidden = this.actions.hidden = this.heat.element.hidden = true;
    this.heat.tokens = [];
    this.heat.tokenBox.replaceChildren();
    this.meta.textContent = "";
    this.element.className = "turn reply waiting";
  }

  add(delta) {
    this.text += delta.text;
    this.said.textContent = this.text;
    if (delta.tokens?.length) this.heat.add(delta.tokens);
  }

  finish(done) {
    this.turn = done.turn;
    this.text = done.text;
    this.said.textContent = done.text;
    const failed = done.finish === "error" || done.finish === "timeout";
    this.element.className = "turn reply" + (failed ? " failed" : "");
    this.actions.hidden = false;
    if (done.seed !== undefined) this.seed = done.seed;
    this.same.hidden = this.seed === null;
    this.showConsistency(done.consistency);
    const parts = [];
    if (done.finish !== "stop") parts.push(done.finish);
    if (done.version > 0) parts.push("version " + (done.version + 1));
    if (done.ms) parts.push((done.ms.total / 1000).toFixed(2) + " s");
    if (done.usage) parts.push(done.usage.completion + " tokens, " + done.usage.prompt + " read" +
                               (done.usage.cached ? " (" + done.usage.cached + " kept)" : ""));
    if (this.seed !== null) parts.push("seed " + this.seed);
    if (done.truncated_turns > 0) parts.push(done.truncated_turns + " oldest turns not read");
    this.meta.textContent = parts.join(" · ");
    if (done.others?.length) {
      this.others.replaceChildren(make("summary", {}, done.others.length + " more"),
                                  make("ol", {}, ...done.others.map((one) => make("li", {}, one.text))));
      this.others.hidden = false;
    }
  }

  showConsistency(verdicts) {
    if (!verdicts?.length) return;
    const words = { entails: "✓ supports", neutral: "– neutral to", contradicts: "✗ contradicts" };
    this.badges.replaceChildren(...verdicts.map((verdict) =>
      make("li", { class: verdict.label },
           words[verdict.label] + " “" + (this.facts[verdict.fact] ?? verdict.fact) + "” " + percent(verdict.p))));
    this.badges.hidden = false;
  }

  rate(value) {
    if (!this.chat.connection.send({ type: "rate", turn: this.turn, value })) return;
    this.showRating(value);
  }

  showRating(value) {
    this.rating = value;
    this.up.setAttribute("aria-pressed", String(value === 1));
    this.down.setAttribute("aria-pressed", String(value === -1));
  }
}

class Chat {
  constructor() {
    this.turns = new Map();  // by number
    this.running = null;     // {id, reply}
    this.facts = [];
    this.connection = new Connection((frame) => this.take(frame), (state) => this.showState(state),
                                     () => this.clear());
    this.ready = null;
    this.older = null;       // the smallest number that is shown
  }

  textOf(turn) { return this.turns.get(turn)?.text ?? ""; }

  // -- frames

  take(frame) {
    const handler = this["on_" + frame.type.replace(".", "_")];
    if (handler) handler.call(this, frame);
  }

  on_ready(frame) {
    const isNew = !frame.resumed;
    const isOtherLife = this.ready?.epoch !== frame.epoch || this.ready?.session !== frame.session;
    this.ready = frame;
    $("model").textContent = frame.model.id + " · " + frame.model.type + " · " + frame.model.revision;
    if (isOtherLife) settings.show(frame);
    if (isNew) this.clear();
    else if (isOtherLife) {  // what is on the screen is drawn anew
      this.older = null;
      this.connection.send({ type: "history", limit: 50 });
    }
    // Each by itself: a kept value that this server does not take leaves the others.
    const update = (fields) => this.connection.send({ type: "session.update", ...fields });
    const decode = kept.get("decode"), persona = kept.get("persona");
    if (isNew && decode) update({ decode });
    if (isNew && persona) update({ persona });
    this.persona = null;
    const level = ["tokens", "turns"].find((one) => frame.attention.includes(one));
    update(level ? { attention: level, attention_live: true } : {});
    const pending = kept.get("pending");  // what was asked and never answered: its id makes it harmless
    if (pending) this.connection.send(pending);
    if (pending && !this.running) this.begin(pending);
    this.enable();
  }

  on_session_updated(frame) {
    const before = this.persona;
    this.persona = JSON.stringify(frame.persona);
    this.facts = frame.persona.facts;
    settings.update(frame, before !== this.persona);
    if (before !== null && before !== this.persona && this.turns.size > 0)
      this.note(this.facts.length ? "The persona is now: " + this.facts.join(" / ") : "There is no persona now");
  }

  on_accepted(frame) {
    if (this.running?.id !== frame.id) {  // owed from before, or asked for elsewhere
      const known = this.turns.get(frame.turn);
      this.running = { id: frame.id, reply: known ?? this.append(new ReplyTurn(this, this.facts)) };
    }
    this.running.reply.seed = frame.seed;
    this.know(frame);
    this.enable();
  }

  /** The number of the turn that runs: also where its `accepted` was lost. */
  know(frame) {
    if (this.running?.id !== frame.id) return false;
    const { reply, user } = this.running;
    reply.turn = frame.turn;
    this.turns.set(frame.turn, reply);
    if (user) this.turns.set(frame.turn - 1, user);
    return true;
  }

  on_delta(frame) {
    if (!this.know(frame)) return;
    const stays = this.isAtEnd();
    this.running.reply.add(frame);
    if (stays) this.scroll();
  }

  on_progress(frame) {
    if (this.know(frame)) this.running.reply.meta.textContent = frame.tokens + " tokens so far";
  }

  on_attention(frame) { this.turns.get(frame.turn)?.heat?.finish(frame); }

  on_done(frame) {
    const reply = this.know(frame) ? this.running.reply : this.turns.get(frame.turn);
    const stays = this.isAtEnd();
    if (reply) reply.finish(frame);
    $("spoken").textContent = frame.text;  // for screen readers: once, whole
    if (kept.get("pending")?.id === frame.id) kept.set("pending", null);
    this.running = null;
    this.enable();
    if (stays) this.scroll();
  }

  on_history(frame) {
    const isFirst = this.older === null;
    if (isFirst) this.clear(false);
    const elements = [];
    const { reply: running, user: said } = this.running ?? {};
    const last = frame.items.at(-1);
    for (const item of frame.items) {
      // The turn that runs is on the screen already; so is what it answers.
      if (running && item.turn === running.turn) continue;
      if (said && (running.turn < 0 ? item === last && item.role === "user" && item.text === said.text
                                    : item.turn === running.turn - 1)) continue;
      const turn = item.role === "user" ? new UserTurn(item.text)
                                        : new ReplyTurn(this, item.persona?.facts ?? []);
      this.turns.set(item.turn, turn);
      elements.push(turn.element);
      if (item.role === "user") continue;
      turn.begin();
      turn.finish({ turn: item.turn, text: item.text, finish: item.finish ?? "stop",
                    version: item.version, consistency: item.consistency });
      if (item.attention) turn.heat.finish(item.attention);
      turn.showRating(item.rating ?? 0);
    }
    $("log").prepend(...elements);
    if (frame.items.length > 0) this.older = frame.items[0].turn;
    $("older").hidden = !frame.more;
    $("older").disabled = false;
    if (isFirst) this.scroll();
  }

  on_exported(frame) {
    const url = URL.createObjectURL(new Blob([frame.dialogue + "\n"], { type: "application/jsonl" }));
    make("a", { href: url, download: "conversation.jsonl" }).click();
    setTimeout(() => URL.revokeObjectURL(url), 1000);
  }

  on_error(frame) {
    const isOfTurn = frame.id && this.running?.id === frame.id && this.running.reply.turn < 0;
    if (isOfTurn) {  // it was not taken: what was said comes back into the field
      this.running.reply.element.remove();
      this.running.user?.element.remove();
      if (!$("text").value) $("text").value = this.running.user?.text ?? "";
      kept.set("pending", null);
      this.running = null;
      this.enable();
    }
    settings.refuse(frame);
    const wait = frame.retry_after_ms ? " Try again in " + Math.ceil(frame.retry_after_ms / 1000) + " s." : "";
    this.complain(frame.message + "." + wait);
  }

  on_draining() { this.showState("draining"); }

  // -- what people do

  say(text) {
    const frame = { type: "message", id: crypto.randomUUID?.() ?? "m-" + Math.random().toString(36).slice(2), text };
    kept.set("pending", frame);
    kept.set("last", text);
    this.begin(frame);
    this.connection.send(frame);
  }

  /** Shows a message and an empty reply to it. */
  begin(frame) {
    if (frame.type !== "message") return;
    const user = this.append(new UserTurn(frame.text));
    const reply = this.append(new ReplyTurn(this, this.facts));
    this.running = { id: frame.id, reply, user };
    this.complain("");
    this.enable();
    this.scroll();
  }

  regenerate(reply, decode) {
    if (this.running) return;
    const frame = { type: "regenerate", id: "r-" + Math.random().toString(36).slice(2), turn: reply.turn };
    if (Object.keys(decode).length) frame.decode = decode;
    if (!this.connection.send(frame)) return;
    kept.set("pending", frame);
    reply.begin();
    reply.facts = this.facts;
    this.running = { id: frame.id, reply };
    this.enable();
  }

  stop() { if (this.running) this.connection.send({ type: "cancel", id: this.running.id }); }

  reset() {
    if (this.connection.send({ type: "reset" })) this.clear();
    else this.connection.restart();
  }

  // -- the screen

  append(turn) {
    $("log").append(turn.element);
    return turn;
  }

  note(text) {
    $("log").append(make("li", { class: "note" }, text));
    this.scroll();
  }

  clear(withRunning = true) {
    this.turns.clear();
    this.older = withRunning ? 0 : null;
    if (withRunning) { this.running = null; kept.set("pending", null); }
    $("log").replaceChildren(...(this.running ? [this.running.user?.element, this.running.reply.element].filter(Boolean) : []));
    $("older").hidden = true;
    this.enable();
  }

  isAtEnd() {
    const log = $("log");
    return log.scrollHeight - log.scrollTop - log.clientHeight < 60;
  }
  scroll() { $("log").scrollTop = $("log").scrollHeight; }

  complain(text) {
    $("notice").textContent = text;
    $("notice").hidden = !text;
  }

  enable() {
    const isOnline = $("state").dataset.state === "online";
    $("send").disabled = !isOnline || this.running !== null;
    $("stop").hidden = this.running === null;
    $("new").disabled = this.running !== null;
    $("delete").disabled = !isOnline;
    $("send").hidden = this.running !== null;
  }

  showState(state) {
    const words = { connecting: "connecting", online: "online", reconnecting: "connection lost, trying again",
                    draining: "the server is about to stop", expired: "this conversation has ended here; New begins another",
                    elsewhere: "this conversation went on in another window", refused: "the server does not let this page in" };
    $("state").dataset.state = state;
    $("state").textContent = words[state];
    this.enable();
  }
}

// ---- persona and decoding -----------------------------------------------------------------------

const settings = {
  fields: new Map(),  // name -> input
  offer: {},

  show(ready) {
    this.offer = ready.decode;
    const pick = $("persona-pick");
    pick.replaceChildren(make("option", { value: "" }, "my own lines"),
                         ...ready.personas.map((one) => make("option", { value: one.id }, one.id)));
    this.fields.clear();
    $("decode-form").replaceChildren(...Object.entries(ready.decode).flatMap(([name, range]) => this.row(name, range)));
  },

  row(name, range) {
    const id = "decode-" + name;
    let input, rule = "";
    if (range.choices) {
      input = make("select", { id }, ...range.choices.map((word) => make("option", { value: word }, word)));
    } else if ("max_texts" in range) {
      input = make("textarea", { id, rows: 2 });
      rule = ", one a line";
    } else if ("max_chars" in range) {
      input = make("input", { id, type: "text", maxLength: range.max_chars });
    } else {
      input = make("input", { id, type: "number", step: "any", max: range.max, min: range.min ?? range.above });
      rule = ", " + (range.min !== undefined ? range.min : "above " + range.above) + " to " + range.max;
      if (range.default === null) input.placeholder = "drawn anew";
    }
    this.set(input, range.default);
    input.addEventListener("change", () => this.change(name, input));
    this.fields.set(name, input);
    const label = name.replaceAll("_", " ") + rule +
                  (range.default === null || range.default === "" || range.default.length === 0 ? "" : " (default " + range.default + ")");
    return [make("label", { htmlFor: id }, label), input];
  },

  set(input, value) { input.value = Array.isArray(value) ? value.join("\n") : value ?? ""; },

  valueOf(name, input) {
    const range = this.offer[name];
    if (range.choices) return input.value;
    if ("max_texts" in range) return input.value.split("\n").filter((line) => line.trim());
    if ("max_chars" in range) return input.value;
    return input.value === "" ? null : Number(input.value);
  },

  change(name, input) {
    input.removeAttribute("aria-invalid");
    chat.connection.send({ type: "session.update", decode: { [name]: this.valueOf(name, input) } });
  },

  /** The values in effect. `isOtherPersona`: else lines that are being written stay. */
  update(frame, isOtherPersona) {
    const changed = {};
    for (const [name, value] of Object.entries(frame.decode)) {
      const input = this.fields.get(name);
      if (input && document.activeElement !== input) this.set(input, value);
      if (JSON.stringify(value) !== JSON.stringify(this.offer[name]?.default)) changed[name] = value;
    }
    kept.set("decode", Object.keys(changed).length ? changed : null);
    kept.set("persona", frame.persona.facts.length ? (frame.persona.id ? { id: frame.persona.id } : { facts: frame.persona.facts }) : null);
    if (!isOtherPersona) return;
    $("persona-pick").value = frame.persona.id ?? "";
    $("facts").replaceChildren(...frame.persona.facts.map((fact) => this.fact(fact)));
  },

  /** A refused value is marked, and the others stay as they are. */
  refuse(error) {
    const name = error.field?.startsWith("decode.") ? error.field.slice("decode.".length) : "";
    this.fields.get(name)?.setAttribute("aria-invalid", "true");
  },

  fact(text) {
    const item = make("li", {});
    const input = make("input", { type: "text", value: text, "aria-label": "Line of the persona" });
    const drop = make("button", { type: "button", "aria-label": "Remove this line", onclick: () => item.remove() }, "✕");
    input.addEventListener("keydown", (event) => { if (event.key === "Enter") { event.preventDefault(); settings.apply(); } });
    item.append(input, drop);
    return item;
  },

  apply() {
    const facts = [...$("facts").querySelectorAll("input")].map((input) => input.value).filter((text) => text.trim());
    chat.connection.send({ type: "session.update", persona: { facts } });
  },
};

// ---- training: its curves, and what it answered at its validations ------------------------------

/** "1h02m", "3m05s", "12s". */
function duration(seconds) {
  const whole = Math.round(seconds), two = (number) => String(number).padStart(2, "0");
  if (whole >= 3600) return Math.floor(whole / 3600) + "h" + two(Math.floor(whole / 60) % 60) + "m";
  return whole >= 60 ? Math.floor(whole / 60) + "m" + two(whole % 60) + "s" : whole + "s";
}

/** Where a training is, how fast, and what is left. */
function progressText(state, progress) {
  const parts = [state];
  if (progress) parts.push(Math.round(progress.labels_per_second) + " labels/s", duration(progress.minutes * 60) + " so far");
  if (progress?.seconds_left !== undefined) parts.push(duration(progress.seconds_left) + " left");
  return parts.join(", ");
}

/** The same dialogues of the validation split, answered at each validation. */
const samples = {
  lines: [],  // of the log, the newest first

  /** Asks for what is newer than what is there; `older` for what came before it. */
  async look(older = false) {
    const known = this.lines;
    const place = !known.length ? "" : older ? "?before=" + known.at(-1).step : "?after=" + known[0].step;
    const answer = await training.ask("/v1/run/samples" + place);
    if (!answer || this.lines !== known) return;  // another look was faster
    if (older || !known.length) $("sample-older").hidden = !answer.more;
    if (!answer.samples.length) return;
    const isFirst = !known.length;
    // A page that slept may have missed more than one answer holds: then it begins anew.
    if (!older && !isFirst && answer.more) {
      this.lines = answer.samples;
      $("sample-older").hidden = false;
      return this.drawAll();
    }
    this.lines = older ? [...known, ...answer.samples] : [...answer.samples, ...known];
    if (isFirst) return this.drawAll();
    const items = answer.samples.map((line) => this.item(line)).filter((item) => item);
    if (older) $("sample-list").append(...items);
    else $("sample-list").prepend(...items);
  },

  chosen() { return Number($("sample-pick").value) || 0; },

  drawAll() {
    const dialogues = this.lines[0].samples;
    const chosen = Math.min(this.chosen(), dialogues.length - 1);
    $("samples").hidden = dialogues.length === 0;
    if (!dialogues.length) return;
    $("sample-pick").replaceChildren(...dialogues.map((sample, i) =>
      make("option", { value: i }, (i + 1) + ": " + (sample.turns.at(-1)?.text ?? ""))));
    $("sample-pick").value = String(chosen);
    this.draw();
  },

  draw() {
    const sample = this.lines[0].samples[this.chosen()];
    const line = (who, text) => make("li", {}, who + ": " + text);
    $("sample-context").replaceChildren(
      ...sample.facts.map((fact, i) => line("persona " + (i + 1), fact)),
      ...sample.turns.map((turn, i) => line("turn " + i + " (" + turn.speaker + ")", turn.text)),
      line("in the corpus (" + sample.speaker + ")", sample.reference));
    $("sample-list").replaceChildren(...this.lines.map((one) => this.item(one)).filter((item) => item));
  },

  /** An answer with what it looked at; null where that validation did not answer this dialogue. */
  item({ step, samples: all }) {
    const sample = all[this.chosen()];
    if (!sample) return null;
    const item = make("li", {}, make("p", { class: "step" }, "step " + step), make("p", {}, sample.reply.trim() || "(nothing)"));
    const kinds = Object.keys(sample.attention ?? {});
    if (!kinds.length) return item;
    const heat = new Heat((source) => ("fact" in source ? sample.facts[source.fact] : sample.turns[source.turn].text) ?? "");
    const weigh = (row) => sample.sources.map((source, i) => ({ ...source, w: row[i] ?? 0 }));
    const mean = (rows) => weigh(sample.sources.map((_, i) => rows.reduce((sum, row) => sum + (row[i] ?? 0), 0) / rows.length));
    const main = sample.attention[kinds.find((kind) => kind !== "static") ?? kinds[0]];
    if (!main.length) return item;
    heat.add(main.map((row, i) => ({ text: sample.tokens[i] ?? "(end)", weights: weigh(row) })));
    const fixed = sample.attention.static;
    heat.finish(fixed ? { weights: mean(main), static: mean(fixed) } : { weights: mean(main) });
    item.append(heat.element);
    return item;
  },
};

const training = {
  chart: null,

  async look() {
    const run = await this.ask("/v1/run");
    if (!run?.curves?.length) return;
    $("training").hidden = false;
    const pick = $("curve-pick");
    const chosen = pick.value || run.curves.find((name) => name.includes("ppl")) || run.curves[0];
    pick.replaceChildren(...run.curves.map((name) => make("option", { value: name }, name)));
    pick.value = chosen;
    await this.draw();
  },

  async ask(path) {
    const token = kept.get("token");
    try {
      const answer = await fetch(path, token ? { headers: { Authorization: "Bearer " + token } } : {});
      return answer.ok ? await answer.json() : null;
    } catch { return null; }  // offline: the next look may find it
  },

  async draw() {
    const name = $("curve-pick").value;
    const answer = await this.ask("/v1/run/curves?names=" + encodeURIComponent(name));
    if (!answer) return;
    const { curves, state, progress } = answer;
    const byTime = $("curve-time").checked;
    const data = (curves[name] ?? []).map(([step, minutes, value]) => ({ x: byTime ? minutes : step, y: value }));
    $("training-state").textContent = progressText(state, progress);
    samples.look();
    const scale = $("curve-log").checked ? "logarithmic" : "linear";
    const color = getComputedStyle(document.documentElement).getPropertyValue("--bar").trim();
    const ink = getComputedStyle(document.documentElement).getPropertyValue("--soft").trim();
    if (this.chart?.options.scales.y.type === scale && this.chart.shows === name + byTime) {
      this.chart.data.datasets[0].data = data;
      return this.chart.update("none");
    }
    this.chart?.destroy();
    this.chart = new Chart($("curve"), {
      type: "line",
      data: { datasets: [{ label: name, data, borderColor: color, backgroundColor: color, pointRadius: 0, borderWidth: 2 }] },
      options: {
        animation: false, responsive: true, maintainAspectRatio: false, interaction: { mode: "nearest", intersect: false },
        plugins: { legend: { display: false } },
        scales: { x: { type: "linear", title: { display: true, text: byTime ? "minutes" : "step", color: ink }, ticks: { color: ink } },
                  y: { type: scale, ticks: { color: ink } } },
      },
    });
    this.chart.shows = name + byTime;
  },
};

// ---- start --------------------------------------------------------------------------------------

const chat = new Chat();

function send() {
  const field = $("text");
  if (!field.value.trim() || $("send").disabled) return;
  chat.say(field.value);
  field.value = "";
  grow();
}

function grow() {
  const field = $("text");
  field.style.height = "auto";
  field.style.height = field.scrollHeight + 2 + "px";
}

$("compose").addEventListener("submit", (event) => { event.preventDefault(); send(); });
$("text").addEventListener("input", grow);
$("text").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); send(); }
  else if (event.key === "ArrowUp" && !event.target.value) event.target.value = kept.get("last") ?? "";
});
addEventListener("keydown", (event) => { if (event.key === "Escape") chat.stop(); });
$("stop").addEventListener("click", () => chat.stop());
$("new").addEventListener("click", () => chat.reset());
$("export").addEventListener("click", () => chat.connection.send({ type: "export" }));
$("delete").addEventListener("click", () => {
  if (confirm("Delete this conversation for good?")) chat.connection.send({ type: "delete" });
});
$("older").addEventListener("click", (event) => {
  event.target.disabled = chat.connection.send({ type: "history", before: chat.older, limit: 100 });
});
$("panels").addEventListener("click", () => {
  const side = $("side");
  side.hidden = !side.hidden;
  $("panels").setAttribute("aria-expanded", String(!side.hidden));
  if (!side.hidden) training.look();
});
$("theme").addEventListener("click", () => {
  const isDark = document.documentElement.dataset.theme
    ? document.documentElement.dataset.theme === "dark"
    : matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.dataset.theme = isDark ? "light" : "dark";
  localStorage.setItem("banter.theme", document.documentElement.dataset.theme);
});
const theme = localStorage.getItem("banter.theme");
if (theme) document.documentElement.dataset.theme = theme;
$("add-fact").addEventListener("click", () => {
  const item = settings.fact("");
  $("facts").append(item);
  item.querySelector("input").focus();
});
$("apply-persona").addEventListener("click", () => settings.apply());
$("persona-pick").addEventListener("change", (event) => {
  const id = event.target.value;
  chat.connection.send({ type: "session.update", persona: id ? { id } : { facts: chat.facts } });
});
$("decode-form").addEventListener("submit", (event) => event.preventDefault());
$("decode-reset").addEventListener("click", () => {
  chat.connection.send({ type: "session.update",
                         decode: Object.fromEntries(Object.keys(settings.offer).map((name) => [name, null])) });
});
for (const id of ["curve-pick", "curve-log", "curve-time"]) $(id).addEventListener("change", () => training.draw());
$("sample-pick").addEventListener("change", () => samples.draw());
$("sample-older").addEventListener("click", () => samples.look(true));
setInterval(() => { if (!$("side").hidden && !$("training").hidden && !document.hidden) training.draw(); }, 5000);

chat.connection.connect();
