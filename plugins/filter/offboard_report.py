# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: offboard_report
short_description: What was done about each offboarded name on one cluster, and what is left
version_added: 0.1.0
description: Joins the results of the tasks of the role P(dbops.aurora_iam.offboard#role), of which any may have failed.
options:
  _input:
    description: The names.
    type: list
    elements: str
    required: true
  cluster:
    description: What the cluster or instance is called.
    type: str
    required: true
  results:
    description:
      - Results of tasks. C(looked) and C(looked_again), of M(dbops.aurora_iam.aurora_iam_facts). C(locked) and
        C(dropped), lists of results of M(dbops.aurora_iam.aurora_iam_users), for all names or with a name as
        C(item.name). C(revoked), of M(dbops.aurora_iam.aurora_iam_revoke).
    type: dict
    required: true
  known:
    description: Names that the inventory lists.
    type: list
    elements: str
    required: true
positional: cluster, results, known
author:
  - dbops.aurora_iam contributors (@dbops)
"""

EXAMPLES = r"""
- name: What is left
  ansible.builtin.debug:
    msg: "{{ ['jane_doe'] | dbops.aurora_iam.offboard_report('orders', results, []) | map(attribute='problems') }}"
"""

RETURN = r"""
_value:
  description: An element for each name.
  type: list
  elements: dict
  contains:
    name:
      description: The name.
      type: str
      returned: always
    found:
      description: Whether there is anything of this name in the database, in IAM or in the inventory.
      type: bool
      returned: always
    seen:
      description: Whether all of that could be looked at.
      type: bool
      returned: always
    summary:
      description:
        - C(account), C(cluster) and, as far as there is any, C(dropped), C(locked), C(revoked),
          C(not_in_iam) (principals that are listed with it and that IAM does not have), C(nothing) and C(left).
      type: dict
      returned: always
    problems:
      description: Why it is not finished, in sentences.
      type: list
      elements: str
      returned: always
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.dbops.aurora_iam.plugins.module_utils._sentences import line

Result = Mapping[str, Any]


def offboard_report(
    names: Iterable[str], cluster: str, results: Mapping[str, Any], known: Iterable[str]
) -> list[dict[str, Any]]:
    """See DOCUMENTATION."""
    in_inventory = frozenset(known)
    return [_Name(name, cluster, results, name in in_inventory).describe() for name in names]


@dataclass(frozen=True)
class _Name:
    name: str
    cluster: str
    results: Mapping[str, Any]
    known: bool

    def describe(self) -> dict[str, Any]:
        summary = self._summary()
        return {
            "name": self.name,
            "found": "nothing" not in summary,
            "seen": _facts(self.results["looked"]) is not None and "left" in self.results["revoked"],
            "summary": {"account": line(self.name), "cluster": self.cluster, **summary},
            "problems": [line(f"{self.name}: {problem}") for problem in self._problems()],
        }

    def _summary(self) -> dict[str, list[str]]:
        dropped, left = self._dropped(), self._left()
        texts = {
            "dropped": sorted(dropped),
            "locked": sorted(self._locked() & left),
            "revoked": [each["policy"] for each in self._policies("revoked")],
            "not_in_iam": [each["principal"] for each in self._policies("gone")],
            "left": list(dict.fromkeys([*self._problems(), *map(_may_name, self._policies("left"))])),
        }
        if not (self.known or self._accounts("looked") or texts["revoked"] or self._policies("left")):
            texts["nothing"] = ["no account, policy or list of the inventory has this name"]
        return {key: [line(text) for text in found] for key, found in texts.items() if found}

    def _accounts(self, key: str) -> dict[str, Mapping[str, Any]]:
        """Those of the name, by what messages call them."""
        facts = _facts(self.results[key]) or {"accounts": [], "other_accounts": []}
        return {
            "@".join(filter(None, (each["name"], each.get("host")))): each
            for each in (*facts["accounts"], *facts["other_accounts"])
            if each["name"] == self.name
        }

    def _remaining(self) -> dict[str, Mapping[str, Any]]:
        again = _facts(self.results["looked_again"]) is not None
        return self._accounts("looked_again" if again else "looked")

    def _dropped(self) -> set[str]:
        return _listed(self.results["dropped"], ("dropped",), self._accounts("looked"))

    def _left(self) -> set[str]:
        return set(self._remaining()) - self._dropped()

    def _locked(self) -> set[str]:
        found = {title for title, account in self._remaining().items() if account["locked"]}
        return found | _listed(self.results["locked"], ("altered", "unchanged"), self._accounts("looked"))

    def _passwords(self) -> set[str]:
        """Accounts that stay as they are."""
        accounts = self._accounts("looked").items()
        return {title for title, each in accounts if each["authentication"] == "password"} - self._locked()

    def _policies(self, key: str) -> list[Result]:
        return [each for each in self.results["revoked"].get(key, ()) if self.name in each["accounts"]]

    def _problems(self) -> list[str]:
        """Of policies that are left, those that made their task fail."""
        failed = [_may_name(each) for each in self._policies("left") if each["failed"]]
        return [*self._unlooked(), *self._undropped(), *self._untouched(), *failed]

    def _unlooked(self) -> list[str]:
        looked, revoked = self.results["looked"], self.results["revoked"]
        found = [] if _facts(looked) is not None else [f"The accounts were not looked at: {_message(looked)}"]
        return found if "left" in revoked else [*found, f"The policies were not looked at: {_message(revoked)}"]

    def _undropped(self) -> list[str]:
        left = self._left() - self._passwords()
        if not left:
            return []
        state = "locked and not dropped" if left <= self._locked() else "neither locked nor dropped"
        reasons = _reasons((*self.results["locked"], *self.results["dropped"]), self.name)
        return [" ".join([f"{', '.join(sorted(left))} is {state}.", *reasons])]

    def _untouched(self) -> list[str]:
        names = sorted(self._passwords() & self._left())
        what = f"{', '.join(names)} is not IAM-authenticated, and somebody may log in with its password"
        return [f"{what}; lock or drop it yourself, or convert it and offboard it again."] if names else []


def _facts(result: Result) -> Any:
    return result.get("ansible_facts", {}).get("aurora_iam")


def _may_name(entry: Result) -> str:
    named = entry["policy"] or f"The policies of {entry['principal']}"
    return f"{named} may still name it. {entry['why']}"


def _message(result: Result) -> str:
    """Without the account's place in the task, which the role has put together."""
    if result.get("errors"):
        return " ".join(error["message"] for error in result["errors"])
    return str(result.get("msg", "the task did not run."))


def _single(results: Iterable[Result]) -> list[Result]:
    """The results of the elements of loops, and those of tasks without a loop."""
    return [each for result in results for each in result.get("results", (result,))]


def _listed(results: Iterable[Result], keys: Iterable[str], accounts: Iterable[str]) -> set[str]:
    named = {title for result in _single(results) for key in keys for title in result.get(key, ())}
    return named & set(accounts)


def _reasons(results: Iterable[Result], name: str) -> list[str]:
    """Why tasks for this name alone failed; each once."""
    alone = [each for each in _single(results) if (each.get("item") or {}).get("name") == name]
    return list(dict.fromkeys(_message(each) for each in alone if "msg" in each))


class FilterModule:
    """Ansible's way to find filters."""

    def filters(self) -> dict[str, Any]:
        return {"offboard_report": offboard_report}
