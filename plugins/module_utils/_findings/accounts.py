# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""Findings about accounts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from ansible_collections.dbops.aurora_iam.plugins.module_utils._findings.estate import Estate
from ansible_collections.dbops.aurora_iam.plugins.module_utils._findings.finding import Finding
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import IAM, PASSWORD, AccountName
from ansible_collections.dbops.aurora_iam.plugins.module_utils._survey import SurveyedAccount

_DAY = 86400
_LONG = 30 * _DAY
"""Seconds after which an account that nobody has used is worth a finding: a month's work may be done once a month."""


def account_findings(estate: Estate, policies: Sequence[Finding]) -> Iterator[Finding]:
    """Reserved accounts belong to the service, so that nothing is found about them but what an engine finds.

    policies  what is found about policies
    """
    meant: dict[str, list[str]] = defaultdict(list)
    for finding in policies:
        if finding.code in ("policy_ineffective", "policy_other_cluster"):
            meant[finding.account].append(finding.subject)
    yield from _defects(estate)
    for item in estate.survey.accounts:
        if item.account.authentication == IAM:
            yield from _by_iam(item, estate, meant[item.name.name])
        elif _is_convertible(item):
            yield _convertible(item, estate)
    yield from _twins(estate)


def _defects(estate: Estate) -> Iterator[Finding]:
    for defect in estate.survey.defects:
        remedy = defect.remedy
        task = None if remedy is None else estate.account_task(f"Repair {defect.account}", defect.account, **remedy)
        yield _finding(defect.code, defect.account, defect.message, task)


def _by_iam(item: SurveyedAccount, estate: Estate, meant: Sequence[str]) -> Iterator[Finding]:
    if item.name.name == estate.endpoint.master_user:
        yield from _master(item, estate)
    if not item.untouchable:
        yield from _iam_account(item, estate, meant)


def _is_convertible(item: SurveyedAccount) -> bool:
    by_password = item.account.authentication == PASSWORD and item.can_log_in
    return by_password and not item.untouchable and bool(item.name.name)


def _finding(code: str, name: AccountName, message: str, remedy: dict[str, object] | None = None) -> Finding:
    return Finding(code, "account", str(name), message, remedy, name.name)


def _master(item: SurveyedAccount, estate: Estate) -> Iterator[Finding]:
    """It may log in by IAM on purpose: a cluster without VPC has no other way. Whether it can is what counts.

    https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBCluster.html, MasterUserAuthenticationType
    """
    endpoint = estate.endpoint
    by = f" (through {item.enrolled_by})" if item.enrolled_by else ""
    master = f"The master user {item.name} of {endpoint.title} logs in by IAM only{by}"
    if estate.iam_auth_off:
        yield _finding(
            "administrator_lockout",
            item.name,
            f"{master}, and IAM authentication is off, so nobody can log in as it; turn it on with "
            "dbops.aurora_iam.aurora_iam_cluster.",
            estate.cluster_task(f"Turn IAM authentication on for {endpoint.title}", iam_auth="enabled"),
        )
    elif estate.allowed is not None and item.name.name not in estate.allowed:
        yield _finding(
            "administrator_lockout",
            item.name,
            f"{master}, and no IAM user or role may connect as it; allow rds-db:connect on "
            f"{endpoint.connect_arn(item.name.name)} to its administrators.",
        )
    elif endpoint.secret:
        yield _finding(
            "administrator_by_iam",
            item.name,
            f"{master}, so the password in its managed secret is refused; log in with login_method: iam.",
        )


def _iam_account(item: SurveyedAccount, estate: Estate, meant: Sequence[str]) -> Iterator[Finding]:
    """``meant``: statements of policies that are meant to let somebody connect as the account, and do not."""
    name = item.name
    if estate.capabilities.tls_requirement and not item.account.tls:
        yield _finding(
            "tls_not_required",
            name,
            f"{name} may log in without TLS, and its token travels in clear; set require_tls: true.",
            estate.account_task(f"Demand TLS of {name}", name, require_tls=True),
        )
    if item.administrator_by:
        yield _finding(
            "powerful",
            name,
            f"{name} can make itself anybody: it has {', '.join(item.administrator_by)}; grant it what its work needs "
            "instead.",
        )
    if item.account.locked:
        return
    if estate.connectable is not None and name.name not in estate.connectable:
        yield _orphan(name, estate, meant)
    counted_for = estate.survey.counted_for or 0
    if item.used is False and counted_for >= _LONG:
        yield _finding(
            "never_used",
            name,
            f"Nobody has logged in as {name.name} since the server started {counted_for // _DAY} days ago; lock it if "
            "nobody needs it.",
            estate.account_task(f"Lock {name}", name, locked=True),
        )


def _orphan(name: AccountName, estate: Estate, meant: Sequence[str]) -> Finding:
    """Without a remedy: who is to connect is for a person to say, and to drop the account is the last that is left."""
    policy = f" or correct {', '.join(meant)}," if meant else ""
    return _finding(
        "account_orphan",
        name,
        f"No IAM user or role may connect as {name}, but for those who may as everybody; allow rds-db:connect on "
        f"{estate.endpoint.connect_arn(name.name)} to its principals,{policy} lock the account while nobody misses it, "
        "and drop it last.",
    )


def _convertible(item: SurveyedAccount, estate: Estate) -> Finding:
    name = item.name
    arn = estate.endpoint.connect_arn(name.name)
    first = f"allow rds-db:connect on {arn} to its principals, then convert it" if arn else "convert it"
    message = f"{name} logs in with a password; {first}, and its holder logs in by IAM with the same grants."
    options = {"convert": True}
    if item.expired:
        message = (
            f"The password of {name} has expired ({item.expired}); drop the account if nobody needs it, or convert it "
            "with locked: true."
        )
        options["locked"] = True
    return _finding(
        "password_convertible",
        name,
        message,
        estate.account_task(f"Convert {name} to IAM authentication", name, **options),
    )


def _twins(estate: Estate) -> Iterator[Finding]:
    """Of two names that differ in case, a policy means one."""
    spelled: dict[str, set[str]] = defaultdict(set)
    for item in estate.iam_accounts:
        spelled[item.name.name.casefold()].add(item.name.name)
    for item in estate.iam_accounts:
        others = sorted(spelled[item.name.name.casefold()] - {item.name.name})
        if others:
            yield _finding(
                "case_twins",
                item.name,
                f"{item.name} differs from {', '.join(others)} only in case, and a policy that names the one does not "
                "let anybody connect as the other; rename one of them.",
            )
