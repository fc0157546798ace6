// SPDX-FileCopyrightText: dbops.aurora_iam contributors
// SPDX-License-Identifier: GPL-3.0-or-later
"use strict";
// A task as YAML. Every scalar is written as JSON, which is YAML too, so that a name cannot be read as anything else.
// What is invisible in it is escaped, which leaves the scalar what it is. Lines are put together afterwards.

function remedyText(remedy) {
  const { name, ...modules } = remedy;
  const scalar = (value) => visible(JSON.stringify(value));
  const lines = [`- name: ${scalar(name)}`];
  for (const [module, options] of Object.entries(modules)) {
    lines.push(`  ${module}:`);
    for (const [option, value] of Object.entries(options)) lines.push(`    ${option}: ${scalar(value)}`);
  }
  return lines.join("\n");
}
