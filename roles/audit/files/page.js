// SPDX-FileCopyrightText: dbops.aurora_iam contributors
// SPDX-License-Identifier: GPL-3.0-or-later
"use strict";
// What the parts of the page share. Whatever the report says becomes text, never markup: there is no innerHTML here.

const report = JSON.parse(document.getElementById("report").textContent);

const SEVERITIES = { critical: "◆", high: "▲", medium: "■", low: "●", info: "○" };
const OUTCOMES = { allowed: "●", conditional: "◐", denied: "✕" };

/** What is shown: words that must all be found, and a value that must be met for each that is not empty. */
const wanted = { words: [], database: "", severity: "", outcome: "" };
let printing = false;

function byId(id) {
  return document.getElementById(id);
}

/** What a reader cannot see, or what turns around what follows it.
    https://www.unicode.org/reports/tr36/#Bidirectional_Text_Spoofing */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]/gu;

/** Text for a reader, with what is invisible written as in a string of YAML. Data is compared as it is. */
function visible(text) {
  return text.replace(INVISIBLE, (character) => {
    const number = character.codePointAt(0).toString(16);
    if (number.length <= 2) return `\\x${number.padStart(2, "0")}`;
    return number.length <= 4 ? `\\u${number.padStart(4, "0")}` : `\\U${number.padStart(8, "0")}`;
  });
}

/** An element. Children that are strings become text. */
function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    made.setAttribute(name, name === "value" ? value : visible(value));
  }
  made.append(...children.map((child) => (typeof child === "string" ? visible(child) : child)));
  return made;
}

/** A sign for the eye and a word for everybody. */
function badge(kind, word, sign) {
  return element("span", { class: `badge ${kind}` }, element("span", { "aria-hidden": "true" }, sign), ` ${word}`);
}

/** 1 finding, 1,200 findings */
function counted(number, word) {
  return `${number.toLocaleString("en")} ${word}${number === 1 ? "" : "s"}`;
}

function lower(...texts) {
  return texts.join("\n").toLowerCase();
}

/** A section that opens and closes. `fill` is called when it opens, and makes what is in it anew. */
function folding(className, fill) {
  const summary = element("summary");
  const body = element("div", { class: "body" });
  const node = element("details", { class: className }, summary, body);
  const fold = { node, summary, body, chosen: false };
  summary.addEventListener("click", () => {
    fold.chosen = !node.open;
  });
  node.addEventListener("toggle", () => {
    if (node.open && !printing) fill();
  });
  return fold;
}
