# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""The policies of single IAM users, groups and roles: read, replace, delete.

amazon.aws's modules take a list or a policy that may not be read for none, and return no text of a managed policy.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.dbops.aurora_iam.plugins.module_utils._authorization.revocation import Document
from ansible_collections.dbops.aurora_iam.plugins.module_utils._aws.calls import Clients, call
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import CloudError

KINDS = ("user", "group", "role")

LOOKS, PAUSE = 5, 1.0
"""How often a policy that was changed is read, and the seconds in between: IAM is eventually consistent."""


def shows(is_changed: Callable[[], bool]) -> bool:
    """Whether IAM shows a change that it has accepted."""
    for number in range(LOOKS):
        if number:
            time.sleep(PAUSE)
        if is_changed():
            return True
    return False


class Missing(CloudError):
    """IAM does not have what was asked for."""


@dataclass(frozen=True)
class Holder:
    """Who has policies."""

    kind: str
    name: str

    @property
    def title(self) -> str:
        return f"{self.kind} {self.name}"

    @property
    def word(self) -> str:
        """The API's."""
        return self.kind.capitalize()

    @property
    def key(self) -> dict[str, str]:
        return {f"{self.word}Name": self.name}


@dataclass(frozen=True)
class Iam:
    """The IAM API of one AWS account."""

    clients: Clients

    def ask(self, operation: str, subject: str, **arguments: Any) -> Any:
        """``operation`` in the API's words, such as ``ListUserPolicies``. Raises Missing, CloudError."""
        method = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in operation)[1:]
        try:
            return call(self.clients, method, f"iam:{operation}", subject, **arguments)
        except CloudError as error:
            if error.details.get("code") == "NoSuchEntity":
                raise Missing(error.message, **error.details) from error
            raise

    def pages(self, operation: str, subject: str, **arguments: Any) -> Iterator[Mapping[str, Any]]:
        while True:
            page = self.ask(operation, subject, **arguments)
            yield page
            if not page.get("IsTruncated"):
                return
            arguments["Marker"] = page["Marker"]


class Policy(ABC):
    """One policy."""

    @property
    @abstractmethod
    def title(self) -> str:
        """What messages call it."""

    @abstractmethod
    def read(self) -> Document:
        """Raises Missing, CloudError."""

    @abstractmethod
    def replace(self, document: str) -> None:
        """Raises Missing, CloudError."""

    @abstractmethod
    def delete(self) -> None:
        """Raises Missing, CloudError."""


@dataclass(frozen=True)
class InlinePolicy(Policy):
    iam: Iam
    holder: Holder
    name: str

    @property
    def title(self) -> str:
        return f"inline policy {self.name} of {self.holder.title}"

    def read(self) -> Document:
        document: Document = self._ask("Get")["PolicyDocument"]
        return document

    def replace(self, document: str) -> None:
        self._ask("Put", PolicyDocument=document)

    def delete(self) -> None:
        self._ask("Delete")

    def _ask(self, verb: str, **more: str) -> Any:
        operation = f"{verb}{self.holder.word}Policy"
        return self.iam.ask(operation, self.title, PolicyName=self.name, **self.holder.key, **more)


@dataclass(frozen=True)
class ManagedPolicy(Policy):
    iam: Iam
    arn: str

    @classmethod
    def of_owner(cls, iam: Iam, database_arn: str, name: str) -> ManagedPolicy:
        """In the AWS account of the database."""
        partition, _service, _region, owner = database_arn.split(":")[1:5]
        return cls(iam, f"arn:{partition}:iam::{owner}:policy/{name}")

    @property
    def title(self) -> str:
        return f"managed policy {self.arn.rpartition('/')[2]}"

    def read(self) -> Document:
        version = self._ask("GetPolicy")["Policy"]["DefaultVersionId"]
        document: Document = self._ask("GetPolicyVersion", VersionId=version)["PolicyVersion"]["Document"]
        return document

    def replace(self, document: str) -> None:
        """By a new version. The others go: IAM keeps five, and one of them could be made the default again."""
        self._delete_versions()
        self._ask("CreatePolicyVersion", PolicyDocument=document, SetAsDefault=True)
        self._delete_versions()

    def delete(self) -> None:
        for page in self.iam.pages("ListEntitiesForPolicy", self.title, PolicyArn=self.arn):
            for kind in KINDS:
                for holder in page.get(f"Policy{kind.capitalize()}s", ()):
                    name = f"{kind.capitalize()}Name"
                    self._ask(f"Detach{kind.capitalize()}Policy", **{name: holder[name]})
        self._delete_versions()
        self._ask("DeletePolicy")

    def _delete_versions(self) -> None:
        for page in list(self.iam.pages("ListPolicyVersions", self.title, PolicyArn=self.arn)):
            for version in page["Versions"]:
                if not version["IsDefaultVersion"]:
                    self._ask("DeletePolicyVersion", VersionId=version["VersionId"])

    def _ask(self, operation: str, **more: Any) -> Any:
        return self.iam.ask(operation, self.title, PolicyArn=self.arn, **more)


def inline_policies(iam: Iam, holder: Holder) -> Iterator[InlinePolicy]:
    """Raises Missing, CloudError."""
    for page in iam.pages(f"List{holder.word}Policies", holder.title, **holder.key):
        yield from (InlinePolicy(iam, holder, name) for name in page["PolicyNames"])


def attached_policies(iam: Iam, holder: Holder) -> Iterator[Policy]:
    """Those that are not AWS's own. Raises Missing, CloudError."""
    title, key = holder.title, holder.key
    for page in iam.pages(f"ListAttached{holder.word}Policies", title, **key):
        arns = [policy["PolicyArn"] for policy in page["AttachedPolicies"]]
        yield from (ManagedPolicy(iam, arn) for arn in arns if ":iam::aws:" not in arn)
