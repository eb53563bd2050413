"use strict";
// Persona and decoding.

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
