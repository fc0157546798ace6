# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.catalog.observed import (
    PostgreSQLObserved,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.catalog.roles import Membership
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.drop.code import (
    Advantage,
    Code,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.drop.dependencies import (
    Obstacle,
    ObstacleRow,
    build_obstacles,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.drop.statements import end_sessions
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.drop.transactions import DropOwned
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.iam_login import (
    LOCK_MARKER,
)
from ansible_collections.dbops.aurora_iam.plugins.module_utils._engines.postgresql.plan.lockout import Enrolment
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import MissingObject, Refused
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import AccountRequest, Scope
from tests.unit.plugins.module_utils._engines.postgresql import scenes
from tests.unit.plugins.module_utils._engines.postgresql.scenes import (
    created_by_master,
    entry,
    iam,
    role,
    statements,
    warnings,
)

ENDING = end_sessions(["joe"], 17).text
OWNS = (
    Obstacle("o", "shop", ("table public.t",), 1),
    Obstacle("o", "other", ("schema sales",), 1),
    Obstacle("S", "other", ("sales",), 1),
)
MARKED = f"COMMENT ON ROLE \"joe\" IS '{LOCK_MARKER}'"
CODE = {"joe": (Code("shop", "function public.f()", "0" * 32),)}
DROP = AccountRequest("joe", present=False, owned_objects="drop")


def reassign(to: str, **rest: Any) -> AccountRequest:
    return AccountRequest("joe", present=False, owned_objects="reassign", reassign_owned_to=to, **rest)


def joe(
    *obstacles: Obstacle,
    memberships: tuple[Membership, ...] = (),
    comment: str = "",
    login: bool = True,
    **rest: Any,
) -> PostgreSQLObserved:
    """An account made by the master, and the role new_owner, which the master made and is no member of."""
    roles = (role("joe", comment=comment, login=login), role("new_owner", login=False), *rest.pop("roles", ()))
    made = (iam("joe"), created_by_master("joe"), created_by_master("new_owner"), *memberships)
    return scenes.observed(roles=roles, memberships=made, accounts=("joe",), obstacles={"joe": obstacles}, **rest)


def test_the_order_in_which_nothing_is_lost() -> None:
    joining = [
        'GRANT "new_owner" TO "master" WITH INHERIT TRUE, SET TRUE',
        'GRANT "joe" TO "master" WITH INHERIT TRUE, SET TRUE',
    ]
    parting = ['REVOKE "joe" FROM "master"', 'REVOKE "new_owner" FROM "master"']
    over = ['REASSIGN OWNED BY "joe" TO "new_owner"', 'DROP OWNED BY "joe"']
    assert scenes.texts(joe(*OWNS, comment="Joe's"), reassign("new_owner")) == [
        ("shop", ['ALTER ROLE "joe" NOLOGIN', f"COMMENT ON ROLE \"joe\" IS '{LOCK_MARKER}\nJoe''s'"]),
        ("shop", [ENDING]),
        ("shop", [*joining, *over, *parting]),
        ("other", [*joining, 'ALTER SCHEMA "sales" OWNER TO "new_owner"', *over, *parting]),
        ("shop", ['DROP ROLE "joe"']),
    ]


def test_before_16_a_membership_has_no_options() -> None:
    sent = statements(joe(*OWNS, major=15), DROP)
    assert sent[3:6] == ['GRANT "joe" TO "master"', 'DROP OWNED BY "joe"', 'REVOKE "joe" FROM "master"']


def test_sessions_before_14_are_not_waited_for_and_may_go_on() -> None:
    assert "SELECT pg_terminate_backend(pid), usename" in statements(joe(major=13), DROP)[2]
    kept = AccountRequest("joe", present=False, terminate_sessions=False)
    assert statements(joe(), kept) == ['ALTER ROLE "joe" NOLOGIN', MARKED, 'DROP ROLE "joe"']


def test_a_membership_that_the_login_gave_itself_is_left_as_it_was() -> None:
    own = Membership("joe", "master", "master", inherits=False, sets=True)
    sent = statements(joe(*OWNS, memberships=(own, iam("master"))), DROP)
    assert 'GRANT "joe" TO "master" WITH INHERIT FALSE, SET TRUE' in sent
    assert 'REVOKE "joe" FROM "master"' not in sent


def test_a_login_that_has_the_rights_needs_no_membership() -> None:
    assert not any(text.startswith("GRANT") for text in statements(joe(*OWNS), reassign("master"))[5:6])
    held = (Membership("joe", "master", "stranger"), Membership("new_owner", "master", "stranger"), iam("master"))
    assert not any("GRANT" in text.split() for text in statements(joe(*OWNS, memberships=held), reassign("new_owner")))


def test_only_what_leads_to_the_login_ends_first() -> None:
    """With the others the account stays in rds_iam until it is dropped, and a second run finds them as they were."""
    held = (
        Membership("team", "joe", "master"),
        Membership("master", "team", "x", inherits=False, sets=False),
        Membership("readers", "joe", "master"),
    )
    assert scenes.texts(joe(*OWNS, memberships=held, roles=(role("team", login=False),)), DROP)[2:] == [
        (
            "shop",
            [
                'REVOKE "team" FROM "joe" GRANTED BY "master"',
                'GRANT "joe" TO "master" WITH INHERIT TRUE, SET TRUE',
                'DROP OWNED BY "joe"',
                'REVOKE "joe" FROM "master"',
            ],
        ),
        (
            "other",
            [
                'GRANT "joe" TO "master" WITH INHERIT TRUE, SET TRUE',
                'DROP OWNED BY "joe"',
                'REVOKE "joe" FROM "master"',
            ],
        ),
        ("shop", ['DROP ROLE "joe"']),
    ]


def test_a_role_with_the_admin_option_is_named_as_grantor() -> None:
    """The server takes any of those that the login inherits; what that role has granted before is put back."""
    admins = (
        Membership("admins", "master", "x"),
        Membership("joe", "admins", "x", admin=True, inherits=False, sets=False),
    )
    own = Membership("joe", "master", "admins", inherits=False, sets=True)
    for memberships, ending in (
        (admins, 'REVOKE "joe" FROM "master" GRANTED BY "admins"'),
        ((*admins, own, iam("master")), 'GRANT "joe" TO "master" WITH INHERIT FALSE, SET TRUE GRANTED BY "admins"'),
    ):
        state = scenes.observed(
            roles=(role("joe"), role("admins", login=False)),
            memberships=(iam("joe"), *memberships),
            accounts=("joe",),
            obstacles={"joe": OWNS[:1]},
        )
        assert statements(state, DROP)[3:6] == [
            'GRANT "joe" TO "master" WITH INHERIT TRUE, SET TRUE GRANTED BY "admins"',
            'DROP OWNED BY "joe"',
            ending,
        ]


def test_where_the_login_joins_roles_the_server_is_asked_who_is_in_rds_iam() -> None:
    for request in (DROP, reassign("new_owner")):
        steps = scenes.steps(joe(*OWNS), request)
        assert [isinstance(step, Enrolment) for step in steps] == [False, False, True, True, True]


def test_what_was_granted_on_goes_only_with_everything_else() -> None:
    entries = (
        entry(scenes.TABLE, "SELECT", "joe", grantable=True),
        entry(scenes.TABLE, "SELECT", "ann", grantor="joe"),
    )
    assert 'REVOKE SELECT ON TABLE "public"."orders" FROM "joe" CASCADE' in statements(joe(entries=entries), DROP)
    with pytest.raises(Refused, match=r"granted SELECT on TABLE public\.orders in database shop to ann"):
        statements(joe(entries=entries), reassign("new_owner"))


@pytest.mark.parametrize("way", ["fail", "reassign", "drop"])
def test_grants_by_strangers_are_listed_all_together(way: str) -> None:
    entries = (
        entry(scenes.TABLE, "SELECT", "joe", grantor="stranger"),
        entry(scenes.VIEW, "SELECT", "joe", grantor="stranger"),
    )
    to = "new_owner" if way == "reassign" else ""
    request = AccountRequest("joe", present=False, owned_objects=way, reassign_owned_to=to)
    with pytest.raises(Refused) as refused:
        statements(joe(entries=entries), request)
    assert "has SELECT on TABLE public.orders in database shop from stranger" in str(refused.value)
    assert "has SELECT on TABLE public.recent in database shop from stranger" in str(refused.value)
    assert len(refused.value.details["in_the_way"]["joe"]) == 2


def test_default_privileges_of_strangers_go_with_drop_owned() -> None:
    entries = (entry(Scope("FUTURE TABLES", "shop", owner="stranger"), "SELECT", "joe", grantor="stranger"),)
    for request in (AccountRequest("joe", present=False), DROP):
        state = joe(entries=entries)
        assert statements(state, request)[3:6] == [
            'GRANT "joe" TO "master" WITH INHERIT TRUE, SET TRUE',
            'DROP OWNED BY "joe"',
            'REVOKE "joe" FROM "master"',
        ]
        dropping = scenes.steps(state, request)[2]
        assert isinstance(dropping, DropOwned)
        assert dropping.keeping == (frozenset({"joe"}) if request is not DROP else frozenset())


def test_initial_privileges_go_with_drop_owned() -> None:
    assert 'DROP OWNED BY "joe"' in statements(
        joe(Obstacle("i", "shop", ("function public.f()",), 1)), AccountRequest("joe", present=False)
    )


def test_default_privileges_of_accounts_that_are_dropped_together_are_revoked_first() -> None:
    future = Scope("FUTURE TABLES", "shop", owner="joe")
    sent = scenes.observed(
        roles=(role("joe"), role("ann")),
        memberships=(iam("joe"), iam("ann"), created_by_master("joe"), created_by_master("ann")),
        accounts=("joe", "ann"),
        entries=(entry(future, "SELECT", "ann", grantor="joe"),),
        obstacles={"joe": (Obstacle("o", "shop", ("default privileges on new relations",), 1),)},
    )
    texts = statements(sent, DROP, AccountRequest("ann", present=False, owned_objects="drop"))
    revoke = 'ALTER DEFAULT PRIVILEGES FOR ROLE "joe" REVOKE SELECT ON TABLES FROM "ann" CASCADE'
    assert texts.index(revoke) < texts.index('DROP OWNED BY "joe"')


def test_code_goes_to_who_has_no_more_rights() -> None:
    told = ["Code of joe goes to new_owner and runs with its rights: function public.f() (in database shop)."]
    assert warnings(joe(*OWNS, code=CODE), reassign("new_owner")) == told
    more = joe(
        *OWNS,
        code=CODE,
        memberships=(Membership("readers", "new_owner"),),
        advantages={"joe": (Advantage("", "has CREATEROLE"),)},
    )
    with pytest.raises(Refused, match=r"new_owner has CREATEROLE, is a member of readers\): function public.f\(\)"):
        warnings(more, reassign("new_owner"))
    assert warnings(more, reassign("new_owner", reassign_code=True)) == told
    member = joe(
        *OWNS,
        code=CODE,
        memberships=(Membership("new_owner", "joe"),),
        advantages={"joe": (Advantage("", "has CREATEROLE"),)},
    )
    assert warnings(member, reassign("new_owner")) == told


def test_what_the_new_owner_has_in_other_databases_is_out_of_reach_for_code() -> None:
    """So a drop that was interrupted between two databases goes on as it began."""
    state = joe(*OWNS, code=CODE, advantages={"joe": (Advantage("other", "owns 3 objects in database other"),)})
    assert len(warnings(state, reassign("new_owner"))) == 1
    here = replace(state, advantages={"joe": (Advantage("shop", "owns 3 objects in database shop"),)})
    with pytest.raises(Refused, match=r"new_owner owns 3 objects in database shop\)"):
        warnings(here, reassign("new_owner"))


def test_a_drop_that_is_resumed_needs_the_same_consent() -> None:
    """A locked account in rds_iam is judged like any other, and its comment agrees to nothing."""
    reader = Membership("readers", "new_owner")
    for comment in ("", '[dbops.aurora_iam: leaving, to "new_owner", code "shop" 0123456789abcdef0123456789abcdef]'):
        state = joe(*OWNS, code=CODE, memberships=(reader,), comment=comment, login=False)
        with pytest.raises(Refused, match="reassign_code"):
            warnings(state, reassign("new_owner"))
        assert 'REASSIGN OWNED BY "joe" TO "new_owner"' in statements(state, reassign("new_owner", reassign_code=True))


def test_new_owners_that_cannot_be() -> None:
    with pytest.raises(MissingObject, match=r"^account joe, reassign_owned_to: role ghost does not exist"):
        statements(joe(*OWNS), reassign("ghost"))
    with pytest.raises(Refused, match="dropped by this task"):
        statements(joe(*OWNS), reassign("joe"))
    with pytest.raises(Refused, match="neither has the rights of nor ADMIN OPTION on"):
        statements(joe(*OWNS, roles=(role("stranger"),)), reassign("stranger"))
    with pytest.raises(Refused, match="is a member of the login master"):
        statements(joe(*OWNS, memberships=(Membership("master", "new_owner"),)), reassign("new_owner"))
    with pytest.raises(Refused, match="reserved"):
        statements(joe(*OWNS), reassign("rds_superuser"))


def test_obstacles_of_one_kind_are_one() -> None:
    rows = [("joe", "o", 12, "table a"), ("joe", "o", 12, "table b"), ("joe", "D", 1, "database x")]
    assert [str(item) for item in build_obstacles({"shop": [ObstacleRow(*row) for row in rows]})["joe"]] == [
        "owns table a, table b and 10 more (in database shop)",
        "owns database x",
    ]
