// SPDX-FileCopyrightText: dbops.aurora_iam contributors
// SPDX-License-Identifier: GPL-3.0-or-later
"use strict";
// The access matrix: for each database, its accounts by the principals that may connect as them.

/** Cells that a search opens by itself. */
const SEARCHED_CELLS = 500;

const matrices = [];

function buildAccess() {
  for (const database of report.databases) {
    if (!database.error) matrices.push(matrixOf(database));
  }
  byId("access-list").append(...matrices.map((matrix) => matrix.fold.node));
  for (const [outcome, sign] of Object.entries(OUTCOMES)) {
    byId("legend").append(element("li", {}, badge(outcome, outcome, sign)));
  }
}

function matrixOf({ database, facts }) {
  const cluster = facts.cluster || {};
  const matrix = { database, facts, text: lower(database, cluster.engine || "", cluster.arn || "") };
  const principals = new Map();
  const accounts = new Map();
  const account = (name) => {
    if (!accounts.has(name)) accounts.set(name, { name, text: name.toLowerCase(), cells: new Map() });
    return accounts.get(name);
  };
  for (const { name } of facts.accounts || []) account(name);
  for (const verdict of facts.authorization || []) {
    const arn = verdict.principal;
    if (!principals.has(arn)) principals.set(arn, { arn, label: principalLabel(arn), text: arn.toLowerCase() });
    for (const name of verdict.accounts) account(name).cells.set(principals.get(arn), verdict);
  }
  const byName = (a, b) => (a.text < b.text ? -1 : a.text > b.text ? 1 : 0);
  matrix.principals = [...principals.values()].sort(byName);
  matrix.accounts = [...accounts.values()].sort(byName);
  matrix.fold = folding("group", () => fillMatrix(matrix));
  matrix.count = element("span", { class: "count" });
  const about = [cluster.engine, cluster.engine_version, (cluster.arn || "").split(":")[4]].filter(Boolean).join(" · ");
  matrix.fold.summary.append(element("span", { class: "name" }, database), matrix.count);
  matrix.fold.summary.append(element("span", { class: "about" }, about));
  return matrix;
}

/** arn:aws:iam::123456789012:user/team/jane → user/team/jane */
function principalLabel(arn) {
  return arn.split(":").slice(5).join(":") || arn;
}

/** Sets which accounts and principals of a matrix are shown. A word that only principals have chooses among them. */
function choose(matrix) {
  const shows = (verdict) => !wanted.outcome || verdict.outcome === wanted.outcome;
  const tests = wanted.words
    .filter((word) => !matrix.text.includes(word))
    .map((word) => ({ word, principals: new Set(matrix.principals.filter((each) => each.text.includes(word))) }));
  const matches = ({ word, principals }, account) => {
    if (account.text.includes(word)) return true;
    for (const [principal, verdict] of account.cells) if (principals.has(principal) && shows(verdict)) return true;
    return false;
  };
  matrix.rows = matrix.accounts.filter(
    (account) =>
      (!wanted.outcome || [...account.cells.values()].some(shows)) && tests.every((test) => matches(test, account)),
  );
  const deciding = tests.filter(({ word }) => !matrix.rows.some((account) => account.text.includes(word)));
  const used = new Set();
  for (const { cells } of matrix.rows) for (const [each, verdict] of cells) if (shows(verdict)) used.add(each);
  matrix.columns = matrix.principals.filter(
    (each) => used.has(each) && deciding.every(({ principals }) => principals.has(each)),
  );
  matrix.shows = shows;
}

/** Returns how many accounts are shown. */
function showAccess() {
  let total = 0;
  let room = SEARCHED_CELLS;
  for (const matrix of matrices) {
    choose(matrix);
    const shown = (!wanted.database || matrix.database === wanted.database) && (matrix.rows.length > 0 || !isFiltered());
    total += shown ? matrix.rows.length : 0;
    matrix.fold.node.hidden = !shown;
    matrix.count.textContent = `${counted(matrix.rows.length, "account")}, ${counted(matrix.columns.length, "principal")}`;
    const cells = matrix.rows.length * (matrix.columns.length + 1);
    const open = shown && (wanted.words.length ? cells <= room : matrix.fold.chosen || wanted.database !== "");
    if (!open) {
      matrix.fold.body.replaceChildren();
    } else {
      room -= cells;
      fillMatrix(matrix);
    }
    matrix.fold.node.open = open;
  }
  byId("access-count").textContent = counted(total, "account");
  return total;
}

function isFiltered() {
  return wanted.words.length > 0 || wanted.outcome !== "";
}

function fillMatrix(matrix) {
  const wrap = element("div", { class: "scroll" }, grid(matrix));
  matrix.fold.body.replaceChildren(matrix.rows.length ? wrap : element("p", { class: "none" }, "No IAM-authenticated account."));
}

function grid(matrix) {
  const { rows, columns, database } = matrix;
  const label = `Who may connect to ${database}. Arrow keys move, Enter shows why.`;
  const table = element("table", { class: "matrix", role: "grid", "aria-label": label });
  const head = element("tr", { role: "row" }, element("th", { scope: "col", role: "columnheader" }, "Account"));
  for (const { arn, label: short } of columns) {
    const name = element("span", {}, short);
    head.append(element("th", { scope: "col", role: "columnheader", class: "principal", title: arn }, name));
  }
  const body = element("tbody", {}, ...rows.map((account) => gridRow(matrix, account)));
  table.append(element("thead", {}, head), body);
  moveByKeys(table, (row, column) => showDetails(matrix, rows[row], column ? columns[column - 1] : null));
  return table;
}

function gridRow(matrix, account) {
  const row = element("tr", { role: "row" });
  row.append(element("th", { scope: "row", role: "rowheader", tabindex: "-1", title: account.name }, account.name));
  for (const principal of matrix.columns) {
    const verdict = account.cells.get(principal);
    const cell = element("td", { role: "gridcell", tabindex: "-1" });
    if (verdict && matrix.shows(verdict)) {
      cell.className = verdict.outcome;
      cell.setAttribute("aria-label", verdict.outcome);
      cell.textContent = OUTCOMES[verdict.outcome] || "?";
    } else {
      cell.setAttribute("aria-label", "none");
    }
    row.append(cell);
  }
  return row;
}

const STEPS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

/** One stop of the Tab key; arrow keys, Home and End move within; Enter, Space or a click opens.
    https://www.w3.org/WAI/ARIA/apg/patterns/grid/ */
function moveByKeys(table, open) {
  const rows = table.tBodies[0].rows;
  let current = rows.length ? rows[0].cells[0] : null;
  if (current) current.tabIndex = 0;
  const position = (cell) => [cell.parentNode.rowIndex - 1, cell.cellIndex];
  const focus = (row, column) => {
    const line = rows[Math.max(0, Math.min(row, rows.length - 1))];
    current.tabIndex = -1;
    current = line.cells[Math.max(0, Math.min(column, line.cells.length - 1))];
    current.tabIndex = 0;
    current.focus();
  };
  table.addEventListener("keydown", (event) => {
    const [row, column] = position(current);
    if (STEPS[event.key]) focus(row + STEPS[event.key][0], column + STEPS[event.key][1]);
    else if (event.key === "Home") focus(event.ctrlKey ? 0 : row, 0);
    else if (event.key === "End") focus(event.ctrlKey ? Infinity : row, Infinity);
    else if (event.key === "Enter" || event.key === " ") open(row, column);
    else return;
    event.preventDefault();
  });
  table.addEventListener("click", (event) => {
    const cell = event.target.closest("tbody td, tbody th");
    if (!cell) return;
    focus(...position(cell));
    open(...position(cell));
  });
}
