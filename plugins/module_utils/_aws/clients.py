# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""Clients of AWS's services: amazon.aws's own, made when a task first asks AWS for something.

Importing boto3 takes longer than a whole task without it, so that a task that has no question to AWS does not.
"""

from __future__ import annotations

from typing import Any

from ansible.module_utils.basic import AnsibleModule, env_fallback, missing_required_lib

from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import MissingLibrary


def aws_spec() -> dict[str, dict[str, Any]]:
    """amazon.aws's aws_argument_spec(), which cannot be imported without boto3. A unit test holds the two together."""
    return {
        "access_key": {
            "aliases": ["aws_access_key_id", "aws_access_key"],
            "fallback": (env_fallback, ["AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY"]),
            "no_log": False,
        },
        "secret_key": {
            "aliases": ["aws_secret_access_key", "aws_secret_key"],
            "fallback": (env_fallback, ["AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY"]),
            "no_log": True,
        },
        "session_token": {
            "aliases": ["aws_session_token"],
            "fallback": (env_fallback, ["AWS_SESSION_TOKEN"]),
            "no_log": True,
        },
        "profile": {"aliases": ["aws_profile"], "fallback": (env_fallback, ["AWS_PROFILE", "AWS_DEFAULT_PROFILE"])},
        "endpoint_url": {"aliases": ["aws_endpoint_url"], "fallback": (env_fallback, ["AWS_URL"])},
        "validate_certs": {"type": "bool", "default": True},
        "aws_ca_bundle": {"type": "path", "fallback": (env_fallback, ["AWS_CA_BUNDLE"])},
        "aws_config": {"type": "dict"},
        "debug_botocore_endpoint_logs": {
            "type": "bool",
            "default": False,
            "fallback": (env_fallback, ["ANSIBLE_DEBUG_BOTOCORE_LOGS"]),
        },
        "region": {"aliases": ["aws_region"], "fallback": (env_fallback, ["AWS_REGION", "AWS_DEFAULT_REGION"])},
    }


class AwsTask:
    """A task that may ask AWS.

    module  what the task ends with: amazon.aws's module once AWS was asked, because it adds what it has logged
    """

    def __init__(self, spec: dict[str, Any]) -> None:
        """``spec`` is the argument spec without AWS's options, which are added."""
        self._spec = {**aws_spec(), **spec}
        self._clients: dict[str, Any] = {}
        self.module: Any = AnsibleModule(argument_spec=self._spec, supports_check_mode=True)

    def client(self, service: str) -> Any:
        """The client of an AWS service, with the task's region, credentials and retries. Raises MissingLibrary."""
        if not self._clients:
            self._become_aws_module()
        if service not in self._clients:
            from ansible_collections.amazon.aws.plugins.module_utils.retries import AWSRetry

            self._clients[service] = self.module.client(service, retry_decorator=AWSRetry.jittered_backoff())
        return self._clients[service]

    def _become_aws_module(self) -> None:
        from ansible_collections.amazon.aws.plugins.module_utils.botocore import HAS_BOTO3
        from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

        if not HAS_BOTO3:
            raise MissingLibrary(missing_required_lib("boto3", reason="to ask AWS for the cluster and its credentials"))
        self.module = AnsibleAWSModule(argument_spec=self._spec, supports_check_mode=True, check_boto3=False)
