# Copyright: dbops.aurora_iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
import textwrap


def _of_elements(documentation: str) -> str:
    """The same options as those of an element of ``users``."""
    options = documentation.partition("options:\n")[2]
    names = "|".join(re.findall(r"^  (\w+):$", options, re.MULTILINE))
    return _USERS + textwrap.indent(re.sub(rf"O\(({names})\b", r"O(users[].\1", options), "    ")


_USERS = """
options:
  users:
    description:
      - The accounts, one element each, with the options of M(dbops.aurora_iam.aurora_iam_user).
      - One account listed twice is an error. One element that is wrong stops the whole set before the first statement.
      - What M(dbops.aurora_iam.aurora_iam_facts) returns as C(accounts) can be given as it is. What it says of an
        account beside these options (C(connect_arn), C(sessions) and so on) is passed over.
    type: list
    elements: dict
    required: true
    suboptions:
"""


class ModuleDocFragment:
    """The options that describe one account, and the same as elements of a list."""

    DOCUMENTATION = r"""
options:
  name:
    description:
      - The account's name, exactly as it is stored. Upper and lower case matter, because it is the last part of the
        resource in the IAM policy.
      - At most 32 characters on MySQL, 63 bytes on PostgreSQL.
    type: str
    required: true
  host:
    description:
      - MySQL only. The host part of the account's name; V(%) if left out.
      - Only the account with exactly this host is managed, never others of the same name. A task that drops or locks
        it warns about others that are not locked.
      - V(all hosts) means every account of the name, those that log in with a password too. It needs O(state=absent),
        which drops them, or O(locked=true), which locks them and changes nothing else of them.
      - An empty host (V('')) is a host of its own, which matches every client as V(%) does. An account that has it is
        managed and dropped as such, but none is created.
      - A host that no client can match is refused for a new account, such as C(10.1.2.3/8) (the mask leaves out bits of
        the address), C(0.0.0.0/0), IPv6 with a mask or not in its short form, C(*) and C(localhost); and a host name
        where the server does not resolve host names (C(skip_name_resolve)).
    type: str
  state:
    description: Whether the account exists.
    type: str
    choices: [present, absent]
    default: present
  grants:
    description:
      - What the account may do, one element for each object. Left out, grants are not managed; V([]) means none.
    type: list
    elements: dict
    suboptions:
      privileges:
        description:
          - Privileges as SQL writes them, in any case, one an element, such as C(SELECT), V(SELECT (id, email\)) or
            C(ALL).
        type: list
        elements: str
        required: true
      "on":
        description:
          - The object clause of the engine's C(GRANT) statement, read by the engine's own rules for quoting and case.
          - MySQL takes C(*.*), C(orders.*), C(orders.customers), C(PROCEDURE orders.refresh), C(FUNCTION orders.f). A
            database name is that database; C(_) in it is never a wildcard.
          - PostgreSQL takes C(DATABASE), C(SCHEMA public), C(TABLE public.customers), C(SEQUENCE s), V(FUNCTION
            public.f(int\)), V(PROCEDURE p(\)), C(TYPE t), C(LANGUAGE l), C(FOREIGN DATA WRAPPER w),
            C(FOREIGN SERVER s), C(TABLESPACE t), C(PARAMETER p), C(LARGE OBJECT 1),
            C(ALL TABLES|SEQUENCES|FUNCTIONS|PROCEDURES|ROUTINES IN SCHEMA public), and for objects that will be created
            later C(FUTURE TABLES|SEQUENCES|FUNCTIONS|TYPES [IN SCHEMA public]) and C(FUTURE SCHEMAS|LARGE OBJECTS).
          - YAML reads an unquoted C(on) as a boolean. The module understands it all the same; linters want it quoted.
        type: str
        required: true
      database:
        description: PostgreSQL only. The database in which the object is; O(login_db) if left out.
        type: str
      grant_option:
        description: Whether the account may grant these privileges to others.
        type: bool
        default: false
      owner:
        description:
          - PostgreSQL only, for C(FUTURE). The role whose new objects are meant.
          - Left out, the new objects of every role are meant that owns the schema or a relation, routine or type in it,
            without C(IN SCHEMA) any schema of the database. Roles of the service are never meant.
        type: str
  purge_grants:
    description:
      - Whether grants that are not listed are revoked, a grant option too, in every database of the cluster that the
        login may connect to. With V(false) grants are only added.
      - Has no effect when O(grants) is left out.
    type: bool
    default: true
  roles:
    description:
      - Names of the group roles that the account is a member of, as they are stored. Left out, memberships are not
        managed; V([]) means none.
      - On MySQL C(role) or C(role@host), and the roles are made default, so that they are active at login.
    type: list
    elements: str
  purge_roles:
    description:
      - Whether memberships that are not listed are revoked. Never revokes C(rds_iam), nor memberships that only
        administer.
      - Has no effect when O(roles) is left out.
    type: bool
    default: true
  convert:
    description:
      - An account that exists and is not IAM-authenticated is refused, unless this is V(true). Then it is converted in
        place and keeps its grants, roles and limits; its password stops working.
      - An account whose password has expired is only converted if O(locked) is set, because a token does not expire
        with the password.
      - An account as which no IAM principal may connect, or whose password an RDS Proxy of the database has in a
        secret, is refused, see O(convert_unchecked). Administrators who may connect as every account of every database
        do not count. This takes C(iam:GetAccountAuthorizationDetails), C(rds:DescribeDBProxies),
        C(rds:DescribeDBProxyTargets), and C(secretsmanager:GetSecretValue) for the secrets of the proxies, and is only
        asked for an account that is converted and not locked.
    type: bool
    default: false
  convert_unchecked:
    description:
      - Whether an account is converted without asking AWS whether anybody can log in as it afterwards.
    type: bool
    default: false
  require_tls:
    description:
      - MySQL only. Whether the account itself demands TLS. A stronger demand that is there, such as C(REQUIRE X509),
        satisfies it and stays.
      - A token travels as a cleartext password, so V(false) is rarely right.
    type: bool
    default: true
  locked:
    description:
      - Whether new logins are refused. Left out, it is not managed.
      - >-
        On PostgreSQL a locked account looks like a group role. An account that the collection locks has the line
        C([dbops.aurora_iam: locked]) before its comment. One that somebody else has locked counts as a group role
        until a task lists it with V(true).
    type: bool
  connection_limit:
    description: How many sessions the account may have at the same time; V(-1) means no limit. Left out, not managed.
    type: int
  comment:
    description: The account's comment; an empty one clears it. Left out, it is not managed.
    type: str
  owned_objects:
    description:
      - What happens to what the account owns when O(state=absent). With V(fail) nothing is dropped while it owns
        anything, and the message lists what is in the way. V(reassign) gives it to O(reassign_owned_to), V(drop) drops
        it, in every database of the cluster.
      - On MySQL an account owns nothing, but views, routines, triggers and events run as their definer. V(drop) drops
        them, and takes the account from those who have it as a role. V(reassign) is refused while there are any,
        because MySQL cannot change the definer of existing code; lock the account instead (O(locked=true)), and the
        code keeps running.
    type: str
    choices: [fail, reassign, drop]
    default: fail
  reassign_owned_to:
    description: The role or account that gets what the account owns, with O(owned_objects=reassign).
    type: str
  reassign_code:
    description:
      - Code that the account wrote runs with the rights of its owner, and so do expressions that call functions of
        others, such as those of indexes and constraints. When O(reassign_owned_to) has more rights than the account,
        code only changes owner if this is V(true).
    type: bool
    default: false
  terminate_sessions:
    description: Whether open sessions are ended when the account is dropped or locked.
    type: bool
    default: true
"""

    USERS: str = _of_elements(DOCUMENTATION)
