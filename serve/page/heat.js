"use strict";
// What a reply looked at.

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
