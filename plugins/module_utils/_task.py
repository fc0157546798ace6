# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""What a module does, apart from where it runs: in a process of its own, or on the controller itself."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Callable

Result = dict[str, Any]


class Task(ABC):
    """What is asked of a module.

    params  validated options
    write   whether anything may be changed; a check may not
    """

    params: Mapping[str, Any]
    write: bool

    @abstractmethod
    def client(self, service: str) -> Any:
        """The client of an AWS service, with the task's region, credentials and retries. Raises AuroraIamError."""

    @abstractmethod
    def warn(self, text: str) -> None:
        """Tell the user something beside the result."""


@dataclass(frozen=True)
class Operation:
    """A module, whoever runs it.

    spec     its argument spec, without AWS's options, which are added
    perform  task → the module's result. Raises AuroraIamError
    """

    spec: Mapping[str, Mapping[str, Any]]
    perform: Callable[[Task], Result]
