# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""What AWS says when it denies a call: whom, what, on which resource, and which kind of policy decided.

https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
"""

from __future__ import annotations

import re
from typing import NamedTuple

_PRINCIPAL = re.compile(r"User: (arn:\S+|\S+) is not authorized")
_ACTION = re.compile(r"not authorized to perform:? ([\w-]+:\w+)", re.IGNORECASE)
_RESOURCE = re.compile(r"on (?:the )?resource:? (\S+)", re.IGNORECASE)
_DECIDED = re.compile(
    r"(?:because no|(?P<explicit>explicit deny) in (?:an?|the))\s+"
    r"(?P<kind>identity-based|resource-based|session|service control|resource control|VPC endpoint|(?:role )?trust"
    r"|assume role)?(?:\s+polic\w+)?(?P<boundary>permissions? boundary)?",
    re.IGNORECASE,
)
_EXPLICIT = re.compile(r"explicit deny", re.IGNORECASE)
_KEY = re.compile(r"\bKMS\b|customer master key|ciphertext refers to", re.IGNORECASE)

_ORGANIZATION = (
    "{policy} of the AWS organization {verb}, whatever the policies of this account say; ask who administers it"
)
_STEPS = {
    # kind of policy: (what to do where nothing allows, what to do about a Deny statement)
    "identity-based": (
        "Allow {action} on {resource} in one of the identity-based policies of the principal",
        "A Deny statement in an identity-based policy of the principal decides; remove it or narrow it, since no Allow "
        "overrides it",
    ),
    "resource-based": (
        "Allow {action} to the principal in the policy of the resource itself",
        "A Deny statement in the policy of the resource itself decides; exempt the principal from it",
    ),
    "trust": (
        "Allow {action} to the principal in the trust policy of the role",
        "A Deny statement in the trust policy of the role decides; exempt the principal from it",
    ),
    "session": (
        "The session began with a session policy that does not allow {action}; begin it without one, or allow the "
        "action there too",
        "The session began with a session policy that denies {action}; begin it without one",
    ),
    "permissions boundary": (
        "Allow {action} in the permissions boundary of the principal too; other policies cannot exceed it",
        "A Deny statement in the permissions boundary of the principal decides; change the boundary",
    ),
    "service control": (
        _ORGANIZATION.format(policy="A service control policy", verb="must allow {action}"),
        _ORGANIZATION.format(policy="A service control policy", verb="denies {action}"),
    ),
    "resource control": (
        _ORGANIZATION.format(policy="A resource control policy", verb="must allow {action}"),
        _ORGANIZATION.format(policy="A resource control policy", verb="denies {action}"),
    ),
    "vpc endpoint": (
        "Allow {action} in the policy of the VPC endpoint through which AWS was asked",
        "The policy of the VPC endpoint through which AWS was asked denies {action}; change it",
    ),
}
_UNSAID = (
    "Allow {action} on {resource} to the principal",
    "A Deny statement decides, and AWS does not say in which policy; look in those of the principal, its permissions "
    "boundary, the resource and the AWS organization",
)
_KEY_STEP = (
    "Allow kms:Decrypt on the KMS key to the principal, in the key's policy and in a policy of the principal, and "
    "check that the key is enabled"
)
_ROLE_STEP = (
    "Allow {action} on {resource} to the principal in one of its policies, and to the principal in the trust policy of "
    "the role"
)
_ENCODED = "To see which policy decides, run: aws sts decode-authorization-message --encoded-message <the message>"


class Denial(NamedTuple):
    """
    principal, action, resource  as AWS names them; empty where it does not
    policy    the kind of policy that decided; empty where AWS does not say
    explicit  whether a Deny statement decided
    """

    principal: str
    action: str
    resource: str
    policy: str
    explicit: bool
    encoded: bool

    def step(self, action: str, resource: str) -> str:
        """What to do next, with the action and the resource where AWS names none."""
        action, resource = self.action or action, self.resource or resource
        if self.encoded:
            return _ENCODED
        if action.startswith("kms:") and not self.policy:
            return _KEY_STEP
        of_role = action.startswith("sts:") and self.policy in ("", "resource-based") and not self.explicit
        if of_role:
            return _ROLE_STEP.format(action=action, resource=resource)
        allow, deny = _STEPS.get(self.policy, _UNSAID)
        return (deny if self.explicit else allow).format(action=action, resource=resource)


def read_denial(text: str) -> Denial:
    """From AWS's text, which is English in every region."""
    decided = _DECIDED.search(text)
    resource = _first(_RESOURCE, text).rstrip(".,;")
    return Denial(
        principal=_first(_PRINCIPAL, text),
        action=_first(_ACTION, text) or ("kms:Decrypt" if _KEY.search(text) else ""),
        resource=resource if resource != "*" else "",
        policy=_policy(decided) if decided else "",
        explicit=_EXPLICIT.search(text) is not None,
        encoded="ncoded authorization failure message" in text,
    )


def _policy(decided: re.Match[str]) -> str:
    if decided["boundary"]:
        return "permissions boundary"
    kind = (decided["kind"] or "").lower()
    return "trust" if "trust" in kind or kind == "assume role" else kind


def _first(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    return found[1] if found else ""
