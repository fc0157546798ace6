# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: aurora_iam_token
author:
  - dbops.aurora_iam contributors (@dbops)
short_description: Make an IAM token to log in to an Aurora or RDS database with
version_added: 0.1.0
description:
  - Returns an IAM authentication token, which any client or module can use as the password of an IAM-authenticated
    account.
  - The token is made anew each time the expression is evaluated, and serves for logging in during the 15 minutes after.
  - It is signed on the controller, with the credentials of the IAM principal that is to log in. AWS is only asked where
    the database is, with C(rds:DescribeDBClusters), C(rds:DescribeDBInstances) or C(rds:DescribeDBProxies), and not
    at all if O(host) is set.
  - Whether the principal may connect as O(user) is found out by the database, when it is logged in to.
options:
  user:
    description: The database account to log in as, as stored. Upper and lower case matter.
    type: str
    required: true
  cluster:
    description:
      - Identifier of the Aurora or Multi-AZ DB cluster. The token is for its writer.
      - One of O(cluster), O(instance), O(proxy) and O(host) is needed.
    type: str
  instance:
    description: Identifier of an RDS DB instance that is not a member of a cluster.
    type: str
  proxy:
    description: Name of an RDS Proxy. The token is for the proxy, and needs its own policy.
    type: str
  host:
    description:
      - The endpoint that AWS gave the database, in the region that O(region) says. Not a name of your own, nor a
        tunnel, because the host is part of what is signed. Not an Aurora custom endpoint, for which Aurora accepts no
        token.
    type: str
  port:
    description: The port at O(host).
    type: int
extends_documentation_fragment:
  - amazon.aws.boto3
  - amazon.aws.common.plugins
  - amazon.aws.region.plugins
notes:
  - A token is a password. Ansible-core 2.22 and newer mask it in everything that they print. Older ones have no way to
    mark what a lookup returns as secret. They do not print a module's option with C(no_log), as C(login_password) of
    the database collections. Set C(no_log=true) on a task that gives the token to anything else, as in C(environment),
    to C(debug), to C(set_fact), or to a template.
  - Do not store the token in a fact. Write the expression where it is needed, or in C(vars), which is evaluated when
    it is used.
  - Log in over TLS, with the host name and the certificate authority verified. On MySQL the client must send the token
    by C(mysql_clear_password).
seealso:
  - name: IAM database authentication
    description: How AWS describes it.
    link: https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/UsingWithRDS.IAMDBAuth.Connecting.html
"""

EXAMPLES = r"""
- name: A query as Jane
  community.postgresql.postgresql_query:
    login_host: ledger.cluster-abcdefghijkl.eu-central-1.rds.amazonaws.com
    login_user: jane_doe
    login_password: "{{ lookup('dbops.aurora_iam.aurora_iam_token', cluster='ledger', user='jane_doe') }}"
    ssl_mode: verify-full
    ca_cert: /etc/pki/rds/global-bundle.pem
    query: SELECT current_user

- name: A program that reads the password from its environment, without a question to AWS
  ansible.builtin.command: /usr/local/bin/report
  changed_when: false
  environment:
    PGPASSWORD: "{{ lookup('dbops.aurora_iam.aurora_iam_token', host=endpoint, port=5432, user='report') }}"
  no_log: true
  vars:
    endpoint: ledger.cluster-abcdefghijkl.eu-central-1.rds.amazonaws.com
"""

RETURN = r"""
_raw:
  description: The token, as the one element of the list.
  type: list
  elements: str
"""

from functools import cache
from typing import Any, NoReturn

from ansible.errors import AnsibleLookupError
from ansible.module_utils.basic import missing_required_lib
from ansible_collections.amazon.aws.plugins.module_utils.botocore import HAS_BOTO3
from ansible_collections.amazon.aws.plugins.plugin_utils.lookup import AWSLookupBase

from ansible_collections.dbops.aurora_iam.plugins.module_utils._address import check_host
from ansible_collections.dbops.aurora_iam.plugins.module_utils._aws.calls import Clients
from ansible_collections.dbops.aurora_iam.plugins.module_utils._aws.clients import (
    client_config,
    register_sent_keys,
    with_step,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._aws.credentials import token_credentials
from ansible_collections.dbops.aurora_iam.plugins.module_utils._aws.endpoint import (
    cluster_endpoint,
    instance_endpoint,
    proxy_endpoint,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import (
    AuroraIamError,
    CloudError,
    IamAuthDisabled,
    InvalidOption,
    MissingLibrary,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._login import Endpoint
from ansible_collections.dbops.aurora_iam.plugins.module_utils._perform import finish

_FIND = {"cluster": cluster_endpoint, "instance": instance_endpoint, "proxy": proxy_endpoint}
"""option → how the RDS API is asked for what it names"""


class LookupModule(AWSLookupBase):
    def run(self, terms: list[Any], variables: Any = None, **options: Any) -> list[str]:
        try:
            if not HAS_BOTO3:
                raise MissingLibrary(missing_required_lib("boto3", reason="to sign an IAM token"))
            if terms or not options.get("user"):
                raise InvalidOption(
                    "aurora_iam_token needs the database account by its name; write user='…', cluster='…'."
                )
            super().run(terms, variables, **options)
            return [self._token(str(self.get_option("user")))]
        except AuroraIamError as error:
            # Without the original exception, of which Ansible would print more than the sentence
            keys = [self.get_option(name) or "" for name in ("secret_key", "session_token")]
            raise AnsibleLookupError(finish({"msg": error.message}, keys)["msg"]) from None

    def _token(self, user: str) -> str:
        if not self.region:
            raise InvalidOption("No AWS region is known; set region, or AWS_REGION in the environment of Ansible.")

        @cache
        def clients(service: str) -> Any:
            client = self.client(service, config=client_config(service))
            register_sent_keys(client)
            return client

        return token_credentials(clients, self._endpoint(clients), user).password

    def _endpoint(self, clients: Clients) -> Endpoint:
        host, port = self.get_option("host"), self.get_option("port")
        named = [option for option in (*_FIND, "host") if self.get_option(option)]
        if len(named) != 1:
            what = f"{' and '.join(named)} are set" if named else "No database is named"
            raise InvalidOption(f"{what}; set one of cluster, instance, proxy, and host with port.")
        if host:
            check_host(host, "host", port_option="port")
            if not port:
                raise InvalidOption(f"No port is given for {host}; set port, because a token is signed for both.")
            return Endpoint(title=f"{host}:{port}", engine="", host=host, port=port)
        endpoint = _FIND[named[0]](clients, self.get_option(named[0]))
        if endpoint.iam_auth is False:
            raise IamAuthDisabled(
                f"IAM authentication is off on {endpoint.title}, so nobody can log in with a token; turn it on with "
                "dbops.aurora_iam.aurora_iam_cluster."
            )
        return endpoint

    def fail_aws(self, message: str, exception: Exception | None = None) -> NoReturn:
        """What amazon.aws calls when it cannot make a client."""
        if exception is not None:
            raise exception
        raise CloudError(with_step(message))
