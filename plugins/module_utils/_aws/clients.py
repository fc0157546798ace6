# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""What AWS's services are asked through: clients as amazon.aws makes them for its own modules."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, NoReturn

from ansible.module_utils.basic import missing_required_lib

from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import CloudError, MissingLibrary
from ansible_collections.dbops.aurora_iam.plugins.module_utils._secrets import register_secret

_ATTEMPTS = 8
"""In all, over half a minute on average where each is throttled."""
_IDENTITY_SECONDS = 3
"""For who the task is to AWS, which is asked when something has failed already."""


class _Options:
    """What amazon.aws needs of a module. A failure is an exception like any other of a task."""

    _name = "dbops.aurora_iam"

    def __init__(self, params: Mapping[str, Any]) -> None:
        self.params = params

    def fail_json(self, msg: str, **_details: Any) -> NoReturn:
        raise CloudError(with_step(msg))

    def fail_json_aws(self, error: Exception, msg: str) -> NoReturn:
        raise error


class AwsClients:
    """The clients of a task, made when AWS is first asked for something.

    calls  what was asked, as ``service:Operation``
    """

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._options = options
        self._clients: dict[str, Any] = {}
        self.calls: set[str] = set()

    def client(self, service: str) -> Any:
        """With the task's region, credentials and retries. Raises AuroraIamError, and whatever botocore raises."""
        if service not in self._clients:
            self._clients[service] = client = _make_client(service, self._options)
            client.meta.events.register("before-call", self._count)
        return self._clients[service]

    def _count(self, model: Any, **_rest: Any) -> None:
        self.calls.add(f"{model.service_model.endpoint_prefix}:{model.name}")


def _make_client(service: str, options: Mapping[str, Any]) -> Any:
    # Not before AWS is asked: importing boto3 takes longer than a whole task without it
    try:
        from ansible_collections.amazon.aws.plugins.module_utils.botocore import (
            HAS_BOTO3,
            boto3_conn,
            get_aws_connection_info,
        )
    except ModuleNotFoundError:
        raise MissingLibrary(
            "The collection amazon.aws, which asks AWS, is not installed on the controller; run "
            "ansible-galaxy collection install amazon.aws."
        ) from None
    if not HAS_BOTO3:
        raise MissingLibrary(missing_required_lib("boto3", reason="to ask AWS for the cluster and its credentials"))
    module = _Options(options)
    region, endpoint, parameters = get_aws_connection_info(module)
    parameters["config"] = client_config(service)
    client = boto3_conn(module, conn_type="client", resource=service, region=region, endpoint=endpoint, **parameters)
    register_sent_keys(client)
    return client


def client_config(service: str) -> Any:
    """How often and how long AWS is asked; ``aws_config`` and, of attempts, AWS_MAX_ATTEMPTS come before it.

    botocore's standard mode repeats throttled calls, internal errors and broken connections. The Data API is repeated
    by its caller, who knows which statements may be sent twice.
    https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
    """
    from botocore.config import Config

    once = {"mode": "standard", "total_max_attempts": 1}
    if service == "sts":
        return Config(retries=once, connect_timeout=_IDENTITY_SECONDS, read_timeout=_IDENTITY_SECONDS)
    if service == "rds-data":
        return Config(retries=once)
    repeated: dict[str, Any] = {"mode": "standard"}
    if "AWS_MAX_ATTEMPTS" not in os.environ:
        repeated["total_max_attempts"] = _ATTEMPTS
    return Config(retries=repeated)


def with_step(message: str) -> str:
    """What amazon.aws says, which has no next step, with one."""
    steps = {
        "requires a region": "Set region, or AWS_REGION in the environment of the task.",
        "both a profile": "Leave out profile, or access_key, secret_key and session_token, in the environment too.",
    }
    step = next((step for words, step in steps.items() if words in message), "Check region, profile and credentials.")
    return f"{message.rstrip('.')}. {step}"


def register_sent_keys(client: Any) -> None:
    """Temporary keys come from a profile, a role or the instance as well as from options, and AWS repeats them in its
    answer to a request whose signature is wrong.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html
    """
    client.meta.events.register("before-send", _register_sent, unique_id="dbops.aurora_iam")


def _register_sent(request: Any, **_rest: Any) -> None:
    for name in ("X-Amz-Security-Token", "Authorization"):
        value = request.headers.get(name, "")
        value = value.decode() if isinstance(value, bytes) else value
        register_secret(value.rpartition("Signature=")[2])
