# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""Credentials that AWS keeps or makes: a secret's password, or an IAM token."""

from __future__ import annotations

import json

from ansible_collections.dbops.aurora_iam.plugins.module_utils._aws.calls import Clients, call
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import CloudError, InvalidOption
from ansible_collections.dbops.aurora_iam.plugins.module_utils._login import Credentials, Endpoint
from ansible_collections.dbops.aurora_iam.plugins.module_utils._secrets import register_secret


def secret_credentials(clients: Clients, secret: str) -> Credentials:
    """Read user and password from Secrets Manager. ``secret`` is an ARN or a name. Raises CloudError.

    Of the value only ``username`` and ``password`` are read: that is all that a secret managed by RDS surely holds.
    https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_secret_json_structure.html
    """
    subject = f"secret {secret}"
    answer = call(
        clients("secretsmanager"),
        "get_secret_value",
        "secretsmanager:GetSecretValue",
        subject,
        missing={"ResourceNotFoundException": f"There is no {subject}; check login_secret, region and profile."},
        SecretId=secret,
    )
    register_secret(answer.get("SecretString", ""))
    try:
        value = json.loads(answer["SecretString"])
        user, password = value["username"], value["password"]
    except (KeyError, TypeError, ValueError):
        user = password = None  # the exception carries the value that could not be read: it goes no further
    if not (user and password and isinstance(user, str) and isinstance(password, str)):
        raise CloudError(
            f"The {subject} is not a database secret: its value must be JSON with username and password, both text; "
            "correct it, or name another one with login_secret."
        )
    return Credentials(user=user, password=password)


def token_credentials(clients: Clients, endpoint: Endpoint, user: str) -> Credentials:
    """Sign an IAM token for the endpoint's real host and port. Made locally, without a call.

    Raises CloudError, InvalidOption.
    """
    client = clients("rds")
    # Not before there is a client: only then is it worth its time
    from botocore.exceptions import BotoCoreError

    try:
        token = client.generate_db_auth_token(DBHostname=endpoint.host, Port=endpoint.port, DBUsername=user)
    except ValueError:
        raise InvalidOption(
            f"No IAM token can be signed for {endpoint.host}, which is an IPv6 address; give the name of the endpoint."
        ) from None
    except BotoCoreError as error:
        raise CloudError(
            f"No IAM token can be signed for {user} on {endpoint.title}: {error}. A token needs AWS credentials, from "
            "profile, from access_key and secret_key, or from the environment."
        ) from error
    return Credentials(user=user, password=token, is_token=True)
