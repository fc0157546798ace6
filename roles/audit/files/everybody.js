// SPDX-FileCopyrightText: dbops.aurora_iam contributors
// SPDX-License-Identifier: GPL-3.0-or-later
"use strict";
// What every account has without a grant of its own: once for each database, and not for each account.

const everybodyGroups = [];

function buildEverybody() {
  for (const { database, facts } of report.databases) {
    const rows = (facts.public || []).flatMap(everybodyRows);
    if (rows.length) everybodyGroups.push(everybodyGroup(database, rows));
  }
  byId("everybody-list").append(...everybodyGroups.map((group) => group.fold.node));
}

function everybodyGroup(database, rows) {
  const group = { database, rows, hits: [], text: database.toLowerCase() };
  group.fold = folding("group", () => fillEverybody(group));
  group.count = element("span", { class: "count" });
  group.fold.summary.append(element("span", { class: "name" }, database), group.count);
  return group;
}

/** A database has few rows, however many objects and accounts it has. */
function everybodyRows({ database, grants, definer_code: code, roles }) {
  const row = (privileges, kind, { count, objects }) => {
    const more = count > objects.length ? ` and ${(count - objects.length).toLocaleString("en")} more` : "";
    const cells = [database || "all", privileges, kind, objects.join(", ") + more];
    return { cells, text: lower(...cells) };
  };
  const rows = grants.map((grant) => row(grant.privileges.join(", "), grant.kind, grant));
  if (code.count) rows.push(row("EXECUTE", "SECURITY DEFINER code", code));
  if (roles.length) rows.push(row("member", "role", { count: roles.length, objects: roles }));
  return rows;
}

/** Returns how many rows are shown. */
function showEverybody() {
  let total = 0;
  for (const group of everybodyGroups) {
    const shown = !wanted.database || group.database === wanted.database;
    const words = wanted.words.filter((word) => !group.text.includes(word));
    group.hits = shown ? group.rows.filter(({ text }) => words.every((word) => text.includes(word))) : [];
    total += group.hits.length;
    group.fold.node.hidden = group.hits.length === 0;
    group.count.textContent = counted(group.hits.length, "set") + " of privileges";
    const open = group.hits.length > 0 && group.fold.chosen;
    if (open) fillEverybody(group);
    else group.fold.body.replaceChildren();
    group.fold.node.open = open;
  }
  byId("everybody").hidden = total === 0;
  return total;
}

function fillEverybody(group) {
  const head = element("tr", {}, ...["Database", "Privileges", "On", "Objects"].map(columnHead));
  const rows = group.hits.map(({ cells }) => element("tr", {}, ...cells.map((text) => element("td", {}, text))));
  const table = element("table", { class: "listing" }, element("thead", {}, head), element("tbody", {}, ...rows));
  group.fold.body.replaceChildren(table);
}
