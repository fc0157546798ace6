// SPDX-FileCopyrightText: dbops.aurora_iam contributors
// SPDX-License-Identifier: GPL-3.0-or-later
"use strict";
// What opens from a cell of a matrix: why a principal may connect, or all about an account.

function showDetails(matrix, account, principal) {
  const verdict = principal && account.cells.get(principal);
  const body = byId("details-body");
  if (principal) {
    byId("details-title").textContent = visible(`${principal.label} as ${account.name} on ${matrix.database}`);
    body.replaceChildren(...verdictParts(matrix, account, principal, verdict));
  } else {
    byId("details-title").textContent = visible(`${account.name} on ${matrix.database}`);
    body.replaceChildren(...accountParts(matrix, account));
  }
  byId("details").showModal();
}

function terms(pairs) {
  const list = element("dl");
  for (const [term, value] of pairs) {
    if (value) list.append(element("dt", {}, term), element("dd", {}, value));
  }
  return list;
}

function verdictParts(matrix, account, principal, verdict) {
  if (!verdict) {
    const said = `No policy lets ${principal.label} connect to ${matrix.database} as ${account.name}.`;
    return [element("p", {}, said)];
  }
  const { outcome, policy, statement, depends_on: keys, advisory } = verdict;
  return [
    element("p", {}, badge(outcome, outcome, OUTCOMES[outcome] || "?")),
    terms([
      ["Principal", principal.arn],
      ["Policy that decides", policy],
      ["Statement", statement],
      ["Depends on", keys.join(", ")],
      ["Said by", advisory ? "IAM's policy simulator, which is advisory" : ""],
    ]),
  ];
}

/** An account of a policy has one name; on MySQL several accounts of the database can have it, with different hosts. */
function accountParts(matrix, account) {
  const who = element("ul", { class: "who" });
  for (const [principal, { outcome, policy }] of account.cells) {
    who.append(element("li", {}, badge(outcome, outcome, OUTCOMES[outcome] || "?"), ` ${principal.label}, by ${policy}`));
  }
  const same = (matrix.facts.accounts || []).filter(({ name }) => name === account.name);
  const parts = [element("h3", {}, "Who may connect as it"), account.cells.size ? who : element("p", {}, "Nobody.")];
  for (const each of same) parts.push(element("h3", {}, each.host ? `${each.name}@${each.host}` : each.name), rights(each));
  return parts;
}

function rights(account) {
  const grants = (account.grants || []).map(
    (grant) => `${(grant.privileges || []).join(", ")} on ${grant.on}${grant.database ? ` in ${grant.database}` : ""}`,
  );
  const list = element("ul", { class: "mono" }, ...grants.map((grant) => element("li", {}, grant)));
  return terms([
    ["Connect ARN", account.connect_arn],
    ["Locked", account.locked ? "yes" : "no"],
    ["Requires TLS", "require_tls" in account ? (account.require_tls ? "yes" : "no") : ""],
    ["Roles", [...(account.roles || []), ...(account.inherited_roles || [])].join(", ")],
    ["Administrator by", (account.administrator_by || []).join(", ")],
    ["Comment", account.comment],
    ["Grants", grants.length ? list : account.grants ? "none of its own" : ""],
  ]);
}
