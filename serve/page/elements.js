"use strict";
// Elements of the page, and what a window keeps over a reload.

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

/** What a window keeps over a reload. */
const kept = {
  get(name) { try { return JSON.parse(sessionStorage.getItem("banter." + name)); } catch { return null; } },
  set(name, value) {
    if (value === null) sessionStorage.removeItem("banter." + name);
    else sessionStorage.setItem("banter." + name, JSON.stringify(value));
  },
};
