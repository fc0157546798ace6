#!/usr/bin/python
# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: aurora_iam_facts
short_description: Find out who can get into an Aurora or RDS database by IAM, as whom, to do what, and what is wrong
version_added: 0.1.0
description:
  - Joins what AWS says of a database, the accounts and grants that are in it, and the IAM policies that let somebody
    connect, and returns it as C(ansible_facts.aurora_iam).
  - Writes nothing and takes no lock. What the login or the principal that runs the task may not see is left out, and
    RV(ansible_facts.aurora_iam.unseen) says what and why. It works without AWS, too.
  - The number of queries and of calls to AWS does not grow with the number of accounts.
  - Facts belong to a host. For many databases in one play, make each a host of the inventory; or loop over them and
    register the results, each of which has its own C(ansible_facts.aurora_iam).
options:
  gather_subset:
    description:
      - What to gather, by the rules of M(ansible.builtin.setup). V(all), V(min) (V(cluster) only), V(accounts),
        V(authorization), V(cluster), V(findings), V(grants), V(public), V(roles); and each with V(!) in front to leave
        it out.
      - V(min) is part of every list that does not say V(!min).
      - With nothing but V(cluster) nobody logs in to the database. AWS is asked for policies only by V(authorization)
        and V(findings).
    type: list
    elements: str
    default: [all]
  names:
    description:
      - Globs such as C(svc_*) or C(jane_?oe), in which case matters. Only accounts whose names match one of them are
        in RV(ansible_facts.aurora_iam.accounts), RV(ansible_facts.aurora_iam.other_accounts),
        RV(ansible_facts.aurora_iam.authorization) and RV(ansible_facts.aurora_iam.findings). All of them if empty.
      - On MySQL a name is matched without its host.
    type: list
    elements: str
    default: []
  passwords:
    description: Whether accounts that are not IAM-authenticated are in RV(ansible_facts.aurora_iam.other_accounts).
    type: bool
    default: false
  simulate:
    description:
      - Ask IAM's own policy simulator who may connect, instead of evaluating the policies here. It knows service
        control policies, takes a call or more for each user and role, and is advisory for this action.
    type: bool
    default: false
extends_documentation_fragment:
  - dbops.aurora_iam.connection
  - amazon.aws.common.modules
  - amazon.aws.region.modules
attributes:
  check_mode:
    support: full
    description: It only reads, in check mode as well.
  diff_mode:
    support: none
    description: It changes nothing.
  facts:
    support: full
    description: Returns C(ansible_facts).
notes:
  - The login needs no more than to read. On MySQL that is C(SELECT) on C(mysql.*) and, to see everything, C(PROCESS),
    C(SHOW_ROUTINE), C(SHOW VIEW), C(TRIGGER) and C(EVENT) on C(*.*) and C(SELECT) on C(performance_schema.*). On
    PostgreSQL it is C(CONNECT) on the databases.
  - The principal that runs the task needs C(rds:DescribeDBClusters) or C(rds:DescribeDBInstances), and
    C(iam:GetAccountAuthorizationDetails) or, with O(simulate=true), C(iam:SimulatePrincipalPolicy) as well.
seealso:
  - module: dbops.aurora_iam.aurora_iam_users
author:
  - dbops.aurora_iam contributors (@dbops)
"""

EXAMPLES = r"""
- name: Everything about the orders cluster
  dbops.aurora_iam.aurora_iam_facts:
    cluster: orders

- name: Fail where something grave is wrong
  ansible.builtin.assert:
    that: ansible_facts.aurora_iam.findings | selectattr('severity', 'in', ['critical', 'high']) | length == 0

- name: Who may connect to which cluster
  dbops.aurora_iam.aurora_iam_facts:
    cluster: "{{ item }}"
    gather_subset: [authorization]
  loop: [orders, ledger]
  register: gathered

- name: Show it, cluster by cluster
  ansible.builtin.debug:
    msg: "{{ item.ansible_facts.aurora_iam.authorization }}"
  loop: "{{ gathered.results }}"
  loop_control:
    label: "{{ item.item }}"

- name: What the accounts of services may do
  dbops.aurora_iam.aurora_iam_facts:
    cluster: ledger
    gather_subset: [accounts, grants]
    names: ["svc_*"]
"""

RETURN = r"""
ansible_facts:
  description: Facts, which become variables of the host.
  returned: success
  type: dict
  contains:
    aurora_iam:
      description: What was gathered; each key of a subset only with that subset.
      returned: success
      type: dict
      contains:
        cluster:
          description: The database as AWS describes it. Without AWS, what is not known is empty or null.
          returned: with the subset C(cluster)
          type: dict
          contains:
            title:
              description: What messages call it.
              returned: always
              type: str
              sample: cluster orders
            identifier:
              description: Identifier of the cluster or instance.
              returned: always
              type: str
            arn:
              description: Its ARN.
              returned: always
              type: str
            resource_id:
              description: The ID that IAM policies name.
              returned: always
              type: str
              sample: cluster-ABCDEFGHIJKL0123456789MNOP
            engine:
              description: AWS's word for the engine.
              returned: always
              type: str
            engine_version:
              description: The version as AWS writes it.
              returned: always
              type: str
            status:
              description: AWS's word for the state.
              returned: always
              type: str
            host:
              description: The endpoint for which tokens are signed.
              returned: always
              type: str
            port:
              description: Its port.
              returned: always
              type: int
            members:
              description: Identifiers of a cluster's instances.
              returned: always
              type: list
              elements: str
            master_user:
              description: Name of the master user.
              returned: always
              type: str
            iam_auth:
              description: Whether IAM authentication is on; null where nobody could tell.
              returned: always
              type: bool
            iam_auth_pending:
              description: What it will be after the next maintenance window; null where no change is pending.
              returned: always
              type: bool
        accounts:
          description:
            - The IAM-authenticated accounts, but for those that belong to the service. Given to
              M(dbops.aurora_iam.aurora_iam_users) as O(dbops.aurora_iam.aurora_iam_users#module:users), with the same
              O(login_db), they change nothing.
          returned: with the subset C(accounts), or C(grants) without C(roles)
          type: list
          elements: dict
          contains:
            name:
              description: Its name.
              returned: always
              type: str
            host:
              description: The host part of its name.
              returned: on MySQL
              type: str
            require_tls:
              description: Whether it demands TLS.
              returned: on MySQL
              type: bool
            tls:
              description: How; empty, C(ANY), C(X509) or C(SPECIFIED).
              returned: on MySQL
              type: str
            locked:
              description: Whether logins are refused.
              returned: always
              type: bool
            connection_limit:
              description: Sessions at the same time; -1 is no limit.
              returned: always
              type: int
            limits:
              description:
                - Other limits; null is none. On MySQL C(queries_per_hour), C(updates_per_hour) and
                  C(connections_per_hour). On PostgreSQL C(valid_until), which is about passwords.
              returned: always
              type: dict
            comment:
              description: Its comment.
              returned: always
              type: str
            roles:
              description: Group roles that it has directly; on MySQL those that are active at login.
              returned: always
              type: list
              elements: str
            roles_not_default:
              description:
                - Group roles that it has directly and whose privileges it has only after C(SET ROLE), because they are
                  not active at login (MySQL) or not inherited (PostgreSQL).
              returned: always
              type: list
              elements: str
            purge_roles:
              description: False where there are roles that are not default, so that they stay if it is fed back.
              returned: where RV(ansible_facts.aurora_iam.accounts[].roles_not_default) is not empty
              type: bool
            default_roles:
              description:
                - Roles whose privileges it has without C(SET ROLE). On MySQL mandatory roles that it does not have
                  itself are among them.
              returned: always
              type: list
              elements: str
            inherited_roles:
              description: Roles that it has only through other roles, on MySQL also by C(mandatory_roles).
              returned: always
              type: list
              elements: str
            admin_roles:
              description: Roles that it may grant to others and revoke from them (C(WITH ADMIN OPTION)).
              returned: on MySQL
              type: list
              elements: str
            grants:
              description: What it may do, as the option C(grants) takes it. What roles and ownership give is not in it.
              returned: with the subset C(grants)
              type: list
              elements: dict
            creator_grants:
              description:
                - What the server granted it by itself because it created routines (C(automatic_sp_privileges)). It is
                  not in RV(ansible_facts.aurora_iam.accounts[].grants), and tasks neither revoke nor show it, unless
                  they list a grant on the routine.
              returned: on MySQL, with the subset C(grants)
              type: list
              elements: dict
            acts_as:
              description:
                - Accounts as which it may act (C(PROXY)), where its authentication plugin supports that.
              returned: on MySQL
              type: list
              elements: str
            reached_by:
              description:
                - Grants of other accounts that count for it while no role is active, because MySQL looks for grants by
                  user name and client. They are those of the same name under another host and, on databases, those of
                  anonymous accounts. What the account has by its own grants is not among them.
              returned: on MySQL, with the subset C(grants)
              type: list
              elements: dict
              sample: [{name: jane_doe, host: "%", grants: [{privileges: [SELECT], "on": "shop.*"}]}]
            partial_revokes:
              description: Global privileges that do not hold in a database, by database.
              returned: on MySQL
              type: dict
              sample: {payroll: [SELECT]}
            owns:
              description: What it owns, by database; on MySQL the code of which it is the definer.
              returned: always
              type: dict
              contains:
                count:
                  description: How much that is.
                  returned: always
                  type: int
                objects:
                  description: The first 20 in words; on PostgreSQL only with the subset C(grants).
                  returned: always
                  type: list
                  elements: str
              sample: {shop: {count: 1, objects: [table public.orders]}}
            sessions:
              description: Sessions that are open now; null where it cannot be told.
              returned: always
              type: int
            used:
              description:
                - Whether anybody has logged in under this name since the server started; null where it cannot be told,
                  as on PostgreSQL and on MySQL without C(performance_schema).
              returned: always
              type: bool
            administrator_by:
              description: What makes it an administrator, such as C(CREATE USER) or C(rds_superuser).
              returned: always
              type: list
              elements: str
            authentication:
              description: C(iam), C(iam-broken) or C(password). The last includes certificates and none at all.
              returned: always
              type: str
            connect_arn:
              description:
                - The resource that an IAM policy names to let somebody connect; empty where it is not known.
                - C(*), C(?) and C($) in the account's name are escaped, as C(${*}), C(${?}) and C(${$}), because IAM
                  reads them as special. The policy needs C(Version) C(2012-10-17).
              returned: always
              type: str
        other_accounts:
          description:
            - Accounts that are meant to log in by IAM and cannot, because they are set up wrong; and with
              O(passwords=true) those that do not log in by IAM.
            - They are described as RV(ansible_facts.aurora_iam.accounts) are, with the key C(untouchable) for the login
              itself and the master user.
          returned: with the subset C(accounts), or C(grants) without C(roles)
          type: list
          elements: dict
        roles:
          description: Group roles. Those of the engine and of RDS are among them where they have members.
          returned: with the subset C(roles)
          type: list
          elements: dict
          contains:
            name:
              description: Its name.
              returned: always
              type: str
            host:
              description: The host part of its name.
              returned: on MySQL
              type: str
            members:
              description: Its direct members.
              returned: always
              type: list
              elements: str
            roles:
              description: What it is directly a member of.
              returned: always
              type: list
              elements: str
            grants:
              description: What it may do, as for accounts.
              returned: with the subset C(grants)
              type: list
              elements: dict
            partial_revokes:
              description: Global privileges that do not hold in a database, by database.
              returned: on MySQL
              type: dict
              sample: {payroll: [SELECT]}
        public:
          description:
            - What every account has without a grant of its own, once for each database. On PostgreSQL it is what PUBLIC
              has, without what the server and its extensions come with. On MySQL it is the rows of C(mysql.db) without
              a user name, and the roles of C(mandatory_roles).
            - USAGE on types and on trusted languages, which PUBLIC has by default, is left out.
          returned: with the subset C(public)
          type: list
          elements: dict
          contains:
            database:
              description: The database; empty for what all databases share, and on MySQL.
              returned: always
              type: str
            grants:
              description: One element for each kind of object and set of privileges.
              returned: always
              type: list
              elements: dict
              contains:
                privileges:
                  description: The privileges.
                  returned: always
                  type: list
                  elements: str
                kind:
                  description: Such as C(DATABASE), C(SCHEMA), C(TABLE), C(VIEW), C(FUNCTION) or C(FUTURE TABLES).
                  returned: always
                  type: str
                count:
                  description: The number of objects.
                  returned: always
                  type: int
                objects:
                  description: The first 20 of them.
                  returned: always
                  type: list
                  elements: str
            definer_code:
              description: >-
                PostgreSQL's C(SECURITY DEFINER) routines that PUBLIC may execute; C(count), and C(objects), the first
                20 of them with their owners.
              returned: always
              type: dict
            roles:
              description: The roles of C(mandatory_roles) on MySQL.
              returned: always
              type: list
              elements: str
        authorization:
          description:
            - Which IAM users and roles may connect as which IAM-authenticated account. One element for each statement
              that decides; nobody but who is listed as C(allowed) or C(conditional) may connect.
          returned: with the subset C(authorization)
          type: list
          elements: dict
          contains:
            principal:
              description: ARN of the IAM user or role.
              returned: always
              type: str
            outcome:
              description: >-
                C(allowed), C(conditional), or C(denied) where one statement allows and another denies, or the
                permissions boundary does not allow.
              returned: always
              type: str
            accounts:
              description: Names of the accounts, on MySQL without host.
              returned: always
              type: list
              elements: str
            policy:
              description: The policy that decides, and who has it.
              returned: always
              type: str
              sample: inline policy connect of group dba
            statement:
              description: The statement's Sid, or its number; empty for a boundary that allows nothing here.
              returned: always
              type: str
              sample: statement 2
            depends_on:
              description: Condition keys and variables on which it depends.
              returned: always
              type: list
              elements: str
            advisory:
              description: Whether IAM's policy simulator said it (O(simulate=true)).
              returned: always
              type: bool
        findings:
          description: What is wrong, the gravest first.
          returned: with the subset C(findings)
          type: list
          elements: dict
          contains:
            code:
              description: What kind of thing it is; codes do not change.
              returned: always
              type: str
              sample: tls_not_required
            severity:
              description: C(critical), C(high), C(medium), C(low) or C(info).
              returned: always
              type: str
            kind:
              description: What it is about; C(cluster), C(account), C(database) or C(policy).
              returned: always
              type: str
            subject:
              description: Which one.
              returned: always
              type: str
            reason:
              description: Why a policy lets nobody connect (docs/facts.md lists the reasons); empty of all else.
              returned: always
              type: str
              sample: identifier
            message:
              description: What is wrong, and the next step.
              returned: always
              type: str
            remedy:
              description: >-
                A task that puts it right, without the options for logging in; null where there is none, or a person has
                to decide.
              returned: always
              type: dict
              sample:
                name: Demand TLS of jane_doe@%
                dbops.aurora_iam.aurora_iam_user: {cluster: orders, name: jane_doe, host: "%", require_tls: true}
        unseen:
          description: What could not be read.
          returned: always
          type: list
          elements: dict
          contains:
            what:
              description: C(accounts), C(authorization), C(grants), C(owns), C(public), C(sessions) or C(used).
              returned: always
              type: str
            why:
              description: The reason, and the next step.
              returned: always
              type: str
code:
  description: The error code that AWS or the database server gave; MySQL's number, PostgreSQL's SQLSTATE.
  returned: when AWS or the server gave one
  type: str
statement:
  description: The query that failed.
  returned: when a query failed
  type: str
"""

from ansible_collections.dbops.aurora_iam.plugins.module_utils._facts_module import OPERATION
from ansible_collections.dbops.aurora_iam.plugins.module_utils._module_entry import run


def main() -> None:
    run(OPERATION)


if __name__ == "__main__":
    main()
