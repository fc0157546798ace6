# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""What the name of an RDS endpoint says: its kind and its region, in every partition that botocore knows.

https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/Aurora.Overview.Endpoints.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

_SERVICE = "rds"
_CUSTOM = "cluster-custom-"


class RdsName(NamedTuple):
    """
    region  as the name has it
    custom  whether it is an Aurora custom endpoint
    """

    region: str
    custom: bool


def read_rds_name(host: str) -> RdsName | None:
    """None for what is not the name of an RDS endpoint, such as an IP address or a name of one's own.

    The region stands before the service's name, and after it in China.
    """
    name = host.lower().rstrip(".")
    if f".{_SERVICE}." not in name:
        return None
    for partition in _partitions():
        ending = f".{partition['outputs']['dnsSuffix']}"
        labels = name[: -len(ending)].split(".") if name.endswith(ending) else []
        region = "".join(label for label in labels[-2:] if label != _SERVICE)
        if _SERVICE in labels[-2:] and _has_region(partition, region):
            return RdsName(region, any(label.startswith(_CUSTOM) for label in labels))
    return None


def is_region(name: str) -> bool:
    """Whether any partition has a region of this name, or may have one: botocore is older than the newest."""
    return any(_has_region(partition, name) for partition in _partitions())


def _has_region(partition: Mapping[str, Any], name: str) -> bool:
    return name in partition["regions"] or re.match(partition["regionRegex"], name) is not None


@cache
def _partitions() -> tuple[Mapping[str, Any], ...]:
    # Not before a token is made, which needs botocore anyway
    from botocore.session import Session

    return tuple(Session().get_data("partitions")["partitions"])
