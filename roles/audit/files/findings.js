// SPDX-FileCopyrightText: dbops.aurora_iam contributors
// SPDX-License-Identifier: GPL-3.0-or-later
"use strict";
// Findings, one group for each code, the gravest first.

/** Rows that a group shows before it is asked for all. */
const FIRST_ROWS = 100;
/** Rows that a search opens by itself. */
const SEARCHED_ROWS = 60;

const findingGroups = [];

function buildFindings() {
  const byCode = new Map();
  for (const finding of report.findings) {
    finding.text = lower(...finding.databases, finding.code, finding.severity, finding.subject, finding.message);
    if (!byCode.has(finding.code)) byCode.set(finding.code, findingGroup(finding));
    byCode.get(finding.code).findings.push(finding);
  }
  findingGroups.push(...byCode.values());
  byId("findings-list").append(...findingGroups.map((group) => group.fold.node));
}

function findingGroup({ code, severity }) {
  const group = { code, severity, findings: [], hits: [], limit: FIRST_ROWS };
  group.fold = folding("group", () => fillFindings(group));
  group.fold.chosen = severity === "critical" || severity === "high";
  group.count = element("span", { class: "count" });
  const name = element("span", { class: "name" }, code.replaceAll("_", " "));
  group.fold.summary.append(badge(severity, severity, SEVERITIES[severity]), name, group.count);
  return group;
}

function isWanted(finding) {
  return (
    (!wanted.severity || finding.severity === wanted.severity) &&
    (!wanted.database || finding.databases.includes(wanted.database)) &&
    wanted.words.every((word) => finding.text.includes(word))
  );
}

/** Returns how many are shown. */
function showFindings() {
  let total = 0;
  let room = SEARCHED_ROWS;
  for (const group of findingGroups) {
    group.hits = group.findings.filter(isWanted);
    group.limit = FIRST_ROWS;
    total += group.hits.length;
    group.fold.node.hidden = group.hits.length === 0;
    group.count.textContent = counted(group.hits.length, "finding");
    const chosen = group.fold.chosen || wanted.severity !== "";
    const open = group.hits.length > 0 && (wanted.words.length ? room > 0 : chosen);
    if (!open) {
      group.fold.body.replaceChildren();
    } else {
      if (wanted.words.length) group.limit = Math.min(FIRST_ROWS, room);
      room -= group.hits.length;
      fillFindings(group);
    }
    group.fold.node.open = open;
  }
  byId("findings-count").textContent = total ? counted(total, "finding") : "none";
  return total;
}

function fillFindings(group) {
  const rows = printing ? group.hits : group.hits.slice(0, group.limit);
  const head = element("tr", {}, ...["Database", "Subject", "What is wrong, and the next step"].map(columnHead));
  const table = element("table", { class: "findings" }, element("thead", {}, head));
  table.append(element("tbody", {}, ...rows.map(findingRow)));
  group.fold.body.replaceChildren(table);
  const more = group.hits.length - rows.length;
  if (more > 0) {
    const button = element("button", { type: "button" }, `Show ${counted(more, "more finding")}`);
    button.addEventListener("click", () => {
      group.limit = Infinity;
      fillFindings(group);
    });
    group.fold.body.append(button);
  }
}

function columnHead(title) {
  return element("th", { scope: "col" }, title);
}

function findingRow(finding) {
  const said = element("td", {}, element("p", {}, finding.message));
  if (finding.remedy) {
    const task = element("pre", { tabindex: "0" }, document.createTextNode(remedyText(finding.remedy)));
    said.append(element("details", { class: "remedy" }, element("summary", {}, "Task that puts it right"), task));
  }
  const subject = element("td", { class: "mono" }, finding.subject);
  return element("tr", {}, element("td", {}, databasesOf(finding)), subject, said);
}

/** Where it is; of several databases the first one, and the others when it is opened. */
function databasesOf({ database, databases }) {
  if (databases.length === 1) return database;
  return element("details", {}, element("summary", {}, database), databases.join(", "));
}
