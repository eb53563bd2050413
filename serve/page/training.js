"use strict";
// A training: its curves, and what it answered at its validations.

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

/** Whether two validations answered the same reply's context, or the same ones. */
const isSame = (one, other) => one.dialogue === other.dialogue && one.turn === other.turn;
const areSame = (some, others) => some.length === others.length && some.every((one, i) => isSame(one, others[i]));

/** The same dialogues of the validation split, answered at each validation. */
const samples = {
  lines: [],     // of the log, the newest first
  rewrites: 0,   // of the log, when they were read

  /** Asks for what is newer than what is there; `older` for what came before it. */
  async look(older = false) {
    const known = this.lines;
    const place = !known.length ? "" : older ? "?before=" + known.at(-1).step : "?after=" + known[0].step;
    const answer = await training.ask("/v1/run/samples" + place);
    if (!answer || this.lines !== known) return;  // another look was faster
    // The run went back to a checkpoint, or the page slept and has missed more than one answer holds.
    if (known.length && (answer.rewrites !== this.rewrites || (answer.more && !older))) {
      this.lines = [];
      return this.look();
    }
    this.rewrites = answer.rewrites;
    if (older || !known.length) $("sample-older").hidden = !answer.more;
    if (known.length && !answer.samples.length) return;
    this.lines = older ? [...known, ...answer.samples] : [...answer.samples, ...known];
    if (!known.length || !areSame(known[0].samples, this.lines[0].samples)) return this.drawAll();
    const items = answer.samples.map((line) => this.item(line)).filter((item) => item);
    if (older) $("sample-list").append(...items);
    else $("sample-list").prepend(...items);
  },

  /** The dialogue that is shown, as the newest validation answered it. */
  chosen() { return this.lines[0].samples[Number($("sample-pick").value)]; },

  drawAll() {
    const dialogues = this.lines[0]?.samples ?? [];
    const chosen = Math.min(Number($("sample-pick").value), dialogues.length - 1);
    $("samples").hidden = dialogues.length === 0;
    if (!dialogues.length) return;
    $("sample-pick").replaceChildren(...dialogues.map((sample, i) =>
      make("option", { value: i }, (i + 1) + ": " + (sample.turns.at(-1)?.text ?? ""))));
    $("sample-pick").value = String(chosen);
    this.draw();
  },

  draw() {
    const sample = this.chosen();
    const line = (who, text) => make("li", {}, who + ": " + text);
    $("sample-context").replaceChildren(
      ...sample.facts.map((fact, i) => line("persona " + (i + 1), fact)),
      ...sample.turns.map((turn, i) => line("turn " + i + " (" + turn.speaker + ")", turn.text)),
      line("in the corpus (" + sample.speaker + ")", sample.reference));
    $("sample-list").replaceChildren(...this.lines.map((one) => this.item(one)).filter((item) => item));
  },

  /** An answer with what it looked at; null where that validation did not answer this dialogue. */
  item({ step, samples: all }) {
    const sample = all.find((one) => isSame(one, this.chosen()));
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
  curves: [],  // that there are

  async look() {
    const run = await this.ask("/v1/run");
    if (!run?.curves?.length) return;
    $("training").hidden = false;
    const pick = $("curve-pick");
    if (run.curves.join() !== this.curves.join()) {  // else a list that is open stays so
      const chosen = pick.value || run.curves.find((name) => name.includes("ppl")) || run.curves[0];
      pick.replaceChildren(...run.curves.map((name) => make("option", { value: name }, name)));
      pick.value = run.curves.includes(chosen) ? chosen : run.curves[0];
      this.curves = run.curves;
    }
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
