# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# PRIVATE to the collection: anything here may change in any release.
"""Credentials that AWS keeps or makes: a secret's password, or an IAM token."""

from __future__ import annotations

import json
from datetime import datetime
from urllib.parse import parse_qs, urlsplit

from ansible_collections.dbops.aurora_iam.plugins.module_utils._aws.asked import Asked
from ansible_collections.dbops.aurora_iam.plugins.module_utils._aws.calls import Clients, attempt, call
from ansible_collections.dbops.aurora_iam.plugins.module_utils._aws.host_names import is_region, read_rds_name
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
        clients,
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
    asked = Asked("rds-db:connect", endpoint.title, unsent=f"No IAM token can be signed for {user} on {endpoint.title}")
    client = attempt(clients, asked, lambda: clients("rds"))
    check_signed(endpoint, client.meta.region_name)
    names = {"DBHostname": endpoint.host, "Port": endpoint.port, "DBUsername": user}
    token = attempt(clients, asked, lambda: client.generate_db_auth_token(**names))
    return Credentials(user=user, password=token, is_token=True, signed=_signed(endpoint, token))


def check_signed(endpoint: Endpoint, region: str) -> None:
    """Refuse what the database would refuse: a token for another region, or for a name that it does not have.

    https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/UsingWithRDS.IAMDBAuth.Connecting.html
    Raises InvalidOption.
    """
    begin = f"No IAM token can be signed for {endpoint.host}"
    if ":" in endpoint.host:
        raise InvalidOption(f"{begin}, which is an IPv6 address; give the name of the endpoint.")
    if not is_region(region):
        raise InvalidOption(f"{begin} in region {region}, which AWS does not have; correct region.")
    name = read_rds_name(endpoint.host)
    if name is not None and name.custom:
        raise InvalidOption(
            f"{begin}, which is an Aurora custom endpoint: Aurora accepts tokens only for the endpoints of the cluster "
            "and of its instances; set cluster, or give one of those."
        )
    of_database = endpoint.arn.split(":")[3] if endpoint.arn else name.region if name is not None else region
    if of_database != region:
        raise InvalidOption(
            f"{begin} in region {region}, because the database is in {of_database}; set region: {of_database}."
        )


def _signed(endpoint: Endpoint, token: str) -> str:
    """What a token says, which is a URL without its scheme, but for its secret parts."""
    parts = parse_qs(urlsplit(f"//{token}").query)
    key, _date, region = parts["X-Amz-Credential"][0].split("/")[:3]
    moment = datetime.strptime(parts["X-Amz-Date"][0], "%Y%m%dT%H%M%SZ")
    return (
        f"{parts['DBUser'][0]} at {endpoint.host}:{endpoint.port} in region {region} at {moment.isoformat(' ')} UTC "
        f"with access key {key}"
    )
