# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""What the resource of a policy is meant to say of a database, and why it does not say it.

Each row of ``REPAIRS`` corrects one mistake. What has to be corrected before a resource names an account of the
database is what is wrong with it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple, Optional

from ansible_collections.dbops.aurora_iam.plugins.module_utils._authorization.patterns import matcher, plain_glob
from ansible_collections.dbops.aurora_iam.plugins.module_utils._login import Endpoint
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import Capabilities

_VARIABLE = re.compile(r"\$\{[^}]*\}")
_HIDDEN = str.maketrans(":/", "\0\1")
_SHOWN = str.maketrans("\0\1", ":/")
_REST = re.compile(r"([^:/]*)[:/]([^:/]*)(?:([:/])(.*))?", re.DOTALL)
_KIND = re.compile(r"(cluster|db|prx)-", re.IGNORECASE)
_ESCAPED = re.compile(r"\$\{([*?$])\}")
_WILD = re.compile(r"[*?]|\$\{(?![*?$]\})")
_WORDS = {"cluster": "a cluster", "db": "an instance", "prx": "a proxy"}
_OWNER = re.compile(r"\d{12}|\*")


class Resource(NamedTuple):
    """https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/UsingWithRDS.IAMDBAuth.IAMPolicy.html

    account  None where the resource ends before it
    """

    partition: str
    service: str
    region: str
    owner: str
    kind: str
    database: str
    separator: str
    account: str | None

    @property
    def text(self) -> str:
        beginning = ":".join(("arn", *self[:5], self.database))
        return f"{beginning}{self.separator}{'' if self.account is None else self.account}"

    @property
    def name(self) -> str | None:
        """The account's name; None where it is a pattern, or not there."""
        if self.account is None or _WILD.search(self.account):
            return None
        return _ESCAPED.sub(r"\1", self.account)


def read_resource(text: str) -> Resource | None:
    """None for what cannot be taken for the ARN of a database's account."""
    fields = _fields(_VARIABLE.sub(lambda found: found[0].translate(_HIDDEN), text.strip()))
    rest = _REST.fullmatch(":".join(fields[5:]))
    if len(fields) < 6 or fields[0] != "arn" or rest is None:
        return None
    kind, database, separator, account = _parts(rest)
    partition, service, region, owner = (field.translate(_SHOWN) for field in fields[1:5])
    name = None if account is None else account.translate(_SHOWN)
    return Resource(partition, service, region, owner, kind, database.translate(_SHOWN), separator, name)


def _fields(text: str) -> list[str]:
    """The six of an ARN. Region and owner in front of ``dbuser`` are empty where they are left out."""
    fields = text.split(":", 5)
    place = next((number for number, field in enumerate(fields[3:5], 3) if field.lower().startswith("dbuser")), 5)
    if place == 5:
        return fields
    known = fields[3:place]
    region_left_out = not known or _OWNER.fullmatch(known[0])
    missing = ["", *(known or [""])] if region_left_out else [*known, ""]
    return [*fields[:3], *missing, ":".join(fields[place:])]


def _parts(rest: re.Match[str]) -> tuple[str, str, str, str | None]:
    """Type, resource ID, what separates it from the account, and the account."""
    kind, database, separator, account = rest.groups()
    if _KIND.match(kind) and rest[0][len(kind)] == "/":
        return "", kind, "/", database + ("" if account is None else separator + account)
    return kind, database, separator or "/", account


@dataclass(frozen=True)
class Target:
    """
    accounts  names of the IAM-authenticated accounts
    others    names of all other accounts
    """

    endpoint: Endpoint
    capabilities: Capabilities
    accounts: frozenset[str]
    others: frozenset[str]

    @property
    def own(self) -> Resource:
        """What a right resource has, but for the account."""
        return read_resource(self.endpoint.connect_resource("x")) or Resource("", "", "", "", "", "", "/", "x")

    @property
    def identifiers(self) -> frozenset[str]:
        endpoint = self.endpoint
        named = (endpoint.identifier, endpoint.host, endpoint.title.partition(" ")[2], *endpoint.members)
        return frozenset(word.lower() for word in named if word)


class Repair(NamedTuple):
    """``resource`` as it should be in one respect, and what is wrong with it, in words."""

    resource: Resource
    wrong: str


Find = Callable[[Resource, Target], Optional[Repair]]


def _covers(pattern: str, text: str) -> bool:
    """A variable may stand for anything."""
    return "${" in pattern or bool(matcher(plain_glob(pattern, arn=False))(text))


def _segment(field: str, noun: str, resource: Resource, target: Target) -> Repair | None:
    written, wanted = getattr(resource, field), getattr(target.own, field)
    if _covers(written, wanted):
        return None
    return Repair(resource._replace(**{field: wanted}), f"its {noun} is {written or 'empty'} and not {wanted}")


def _separator(resource: Resource, _target: Target) -> Repair | None:
    if resource.separator == "/" or resource.account is None:
        return None
    return Repair(resource._replace(separator="/"), "it has a colon where the slash before the account belongs")


def _identifier(resource: Resource, target: Target) -> Repair | None:
    if resource.database.lower() not in target.identifiers:
        return None
    wrong = f"{resource.database} is an identifier, and IAM knows databases by resource ID only"
    return Repair(resource._replace(database=target.own.database), wrong)


def _resource_id_case(resource: Resource, target: Target) -> Repair | None:
    wanted = target.own.database
    if resource.database == wanted or resource.database.lower() != wanted.lower():
        return None
    return Repair(resource._replace(database=wanted), f"the resource ID {resource.database} is in another case")


def _resource_id_prefix(resource: Resource, target: Target) -> Repair | None:
    wanted = target.own.database
    prefix, _dash, rest = wanted.partition("-")
    if resource.database.lower() != rest.lower():
        return None
    return Repair(resource._replace(database=wanted), f"the resource ID {resource.database} lacks its {prefix}-")


def _resource_id_kind(resource: Resource, target: Target) -> Repair | None:
    """Also of a pattern: ``db-*`` means instances."""
    wanted, found = target.own.database, _KIND.match(resource.database)
    prefix = wanted.partition("-")[0]
    if found is None or found[1].lower() == prefix:
        return None
    pattern = f"{prefix}-{resource.database[found.end() :]}"
    if not _covers(pattern, wanted):
        return None
    words = f"{resource.database} means {_WORDS[found[1].lower()]}, and this is {_WORDS[prefix]}"
    return Repair(resource._replace(database=pattern), words)


def _resource_id_left_out(resource: Resource, target: Target) -> Repair | None:
    if resource.account is not None or resource.database not in target.accounts:
        return None
    repaired = resource._replace(database=target.own.database, account=resource.database, separator="/")
    return Repair(repaired, "it has no resource ID")


def _account_left_out(resource: Resource, _target: Target) -> Repair | None:
    return Repair(resource._replace(account=""), "it names no account") if resource.account is None else None


def _account_host(resource: Resource, target: Target) -> Repair | None:
    name, at, _host = (resource.name or "").rpartition("@")
    if not (target.capabilities.hosts and at and name in target.accounts and resource.name not in target.accounts):
        return None
    return Repair(resource._replace(account=name), f"{resource.name} has a host, which policies leave out")


def _account_case(resource: Resource, target: Target) -> Repair | None:
    name = resource.name
    if name is None or name in target.accounts | target.others:
        return None
    twin = next((each for each in sorted(target.accounts) if each.casefold() == name.casefold()), None)
    if twin is None:
        return None
    return Repair(resource._replace(account=twin), f"the account is {twin} and not {name}: case matters")


REPAIRS: tuple[tuple[str, Find], ...] = (
    ("service", partial(_segment, "service", "service")),
    ("partition", partial(_segment, "partition", "partition")),
    ("region", partial(_segment, "region", "region")),
    ("aws_account", partial(_segment, "owner", "AWS account")),
    ("resource_type", partial(_segment, "kind", "type")),
    ("separator", _separator),
    ("identifier", _identifier),
    ("resource_id_left_out", _resource_id_left_out),
    ("resource_id_prefix", _resource_id_prefix),
    ("resource_id_case", _resource_id_case),
    ("resource_id_kind", _resource_id_kind),
    ("account_left_out", _account_left_out),
    ("account_host", _account_host),
    ("account_case", _account_case),
)
"""reason → what corrects it, in the order in which mistakes are looked for"""

ANYWHERE = frozenset({"white_space", "service", "resource_type", "separator", "account_left_out", "aws_account"})
"""reasons for which a resource names no account of any database"""


@dataclass(frozen=True)
class Reading:
    """
    resource  as it should be
    wrong     reason → what is wrong, in words
    here      it names this database
    anywhere  it names this database among others, by a pattern
    """

    resource: Resource
    wrong: dict[str, str]
    here: bool
    anywhere: bool


def correct(text: str, target: Target) -> Reading | None:
    """None where the resource is about something else than accounts of databases."""
    resource = read_resource(text)
    if resource is None:
        return None
    wrong = {"white_space": "it has white space around it"} if text != text.strip() else {}
    for reason, found in _repairs(resource, target):
        resource, wrong[reason] = found.resource, found.wrong
    literal = not _WILD.search(resource.database)
    here = resource.database == target.own.database and not (
        "identifier" in wrong and {"region", "aws_account"} & set(wrong)
    )
    return Reading(resource, wrong, here, not literal and _covers(resource.database, target.own.database))


def _repairs(resource: Resource, target: Target) -> Iterator[tuple[str, Repair]]:
    for reason, find in REPAIRS:
        repair = find(resource, target)
        if repair is not None:
            yield reason, repair
            resource = repair.resource
