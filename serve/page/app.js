"use strict";
// One connection, one conversation; the other scripts of the page stand before this one.

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
setInterval(() => { if (!$("side").hidden && !document.hidden) training.look(); }, 5000);

chat.connection.connect();
