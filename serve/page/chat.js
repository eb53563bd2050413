"use strict";
// The conversation on the screen. What the server says is the truth, and what is here can be drawn anew
// from it. Texts of people and models only ever become textContent.

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
