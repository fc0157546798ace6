// SPDX-FileCopyrightText: dbops.aurora_iam contributors
// SPDX-License-Identifier: GPL-3.0-or-later
"use strict";
// The page as a whole: what stands at its top, the filters, and printing.

function buildTop() {
  document.title = visible(report.title);
  byId("title").textContent = visible(report.title);
  const accounts = matrices.reduce((sum, matrix) => sum + matrix.accounts.length, 0);
  const principals = new Set(matrices.flatMap((matrix) => matrix.principals.map(({ arn }) => arn))).size;
  const parts = [counted(report.databases.length, "database"), counted(accounts, "IAM account")];
  parts.push(counted(principals, "principal"));
  byId("subtitle").textContent = visible([...parts, report.as_of].filter(Boolean).join(" · "));
  for (const [severity, sign] of Object.entries(SEVERITIES)) {
    const number = report.counts[severity].toLocaleString("en");
    const name = badge(severity, severity, sign);
    byId("counts").append(element("li", {}, element("strong", {}, number), name));
    byId("severity").append(element("option", { value: severity }, severity));
  }
  for (const { database } of report.databases) byId("database").append(element("option", { value: database }, database));
}

function buildUnread() {
  const lines = report.databases.flatMap(({ database, error, facts }) => [
    ...(error ? [[database, error]] : []),
    ...(facts.unseen || []).map(({ what, why }) => [`${database}, ${what}`, why]),
  ]);
  byId("unread").hidden = lines.length === 0;
  byId("unread-list").append(
    ...lines.map(([what, why]) => element("li", {}, element("strong", {}, `${what}: `), why)),
  );
}

function show() {
  wanted.words = byId("search").value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const name of ["database", "severity", "outcome"]) wanted[name] = byId(name).value;
  const started = performance.now();
  const findings = showFindings();
  showEverybody();
  const accounts = showAccess();
  document.body.dataset.milliseconds = (performance.now() - started).toFixed(1);
  byId("status").textContent = `${counted(findings, "finding")}, ${counted(accounts, "account")}`;
}

/** On paper everything that the filters let through is open, and a matrix, which may be too wide, is a list. */
function beforePrint() {
  printing = true;
  byId("scope").textContent = visible(scope());
  for (const group of findingGroups) {
    fillFindings(group);
    group.fold.node.open = true;
  }
  for (const group of everybodyGroups) {
    fillEverybody(group);
    group.fold.node.open = true;
  }
  for (const matrix of matrices.filter(({ fold }) => !fold.node.hidden)) {
    matrix.fold.body.replaceChildren(listing(matrix));
    matrix.fold.node.open = true;
  }
}

/** What the filters leave out is not on paper, so the paper says so. */
function scope() {
  const parts = ["database", "severity", "outcome"].filter((name) => wanted[name]);
  const said = parts.map((name) => `${name === "outcome" ? "access" : name} ${wanted[name]}`);
  if (wanted.words.length) said.unshift(`with ${wanted.words.join(" ")}`);
  return said.length ? `Only: ${said.join(", ")}` : "";
}

function afterPrint() {
  printing = false;
  show();
}

function listing({ rows, columns, shows }) {
  const table = element("table", { class: "listing" });
  table.append(element("thead", {}, element("tr", {}, ...["Account", "Who may connect as it"].map(columnHead))));
  const body = element("tbody");
  for (const { name, cells } of rows) {
    const who = columns.filter((each) => cells.has(each) && shows(cells.get(each)));
    const words = who.map((each) => `${OUTCOMES[cells.get(each).outcome] || "?"}\u00a0${each.label}`).join(", ");
    body.append(element("tr", {}, element("th", { scope: "row" }, name), element("td", {}, words || "nobody")));
  }
  table.append(body);
  return table;
}

function listen() {
  byId("filters").addEventListener("input", show);
  byId("filters").addEventListener("submit", (event) => event.preventDefault());
  byId("filters").addEventListener("reset", () => setTimeout(show));
  byId("print").addEventListener("click", () => window.print());
  window.addEventListener("beforeprint", beforePrint);
  window.addEventListener("afterprint", afterPrint);
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.target.matches("input, select")) return;
    event.preventDefault();
    byId("search").focus();
  });
}

buildFindings();
buildEverybody();
buildAccess();
buildTop();
buildUnread();
if (matrices.length === 1) matrices[0].fold.chosen = true;
listen();
show();
