// SPDX-FileCopyrightText: dbops.aurora_iam contributors
// SPDX-License-Identifier: GPL-3.0-or-later
"use strict";
// A task as YAML. Every scalar is written as JSON, which is YAML too, so that a name cannot be read as anything else.

function remedyText(remedy) {
  const { name, ...modules } = remedy;
  const lines = [`- name: ${JSON.stringify(name)}`];
  for (const [module, options] of Object.entries(modules)) {
    lines.push(`  ${module}:`);
    for (const [option, value] of Object.entries(options)) lines.push(`    ${option}: ${JSON.stringify(value)}`);
  }
  return lines.join("\n");
}
