# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import InvalidOption, ManyMistakes
from ansible_collections.dbops.aurora_iam.plugins.module_utils._model import GrantRequest
from ansible_collections.dbops.aurora_iam.plugins.module_utils._params import (
    account_request,
    account_requests,
    account_spec,
)


def options(**given):
    return ArgumentSpecValidator(account_spec()).validate({"name": "jane", **given}).validated_parameters


def test_left_out_options_are_not_managed():
    request = account_request(options())
    assert request.present
    assert (request.grants, request.roles) == (None, None)
    assert (request.locked, request.connection_limit, request.comment) == (None, None, None)


def test_an_empty_list_of_grants_is_not_the_same_as_none():
    request = account_request(options(grants=[], roles=[]))
    assert (request.grants, request.roles) == ((), ())


def test_a_grant_is_read():
    element = {"privileges": ["SELECT", "insert"], "on": "orders.*", "grant_option": "yes"}
    assert account_request(options(grants=[element])).grants == (
        GrantRequest(("SELECT", "insert"), "orders.*", grant_option=True, position="grants[0]"),
    )


@pytest.mark.parametrize("key", [True, "true"])
def test_an_unquoted_on_which_yaml_reads_as_true_is_still_on(key):
    assert account_request(options(grants=[{"privileges": ["ALL"], key: "a.*"}])).grants[0].on == "a.*"


@pytest.mark.parametrize(
    ("element", "sentence"),
    [
        ({"on": "orders.*"}, r"^account jane, grants\[0\]: missing required arguments: privileges"),
        (
            {"privileges": ["SELECT"], "on": "a.*", "object": "b"},
            r"^account jane, grants\[0\]\.object: unknown option object\. Supported parameters include",
        ),
        ({"privileges": [], "on": "orders.*"}, r"grants\[0\]: privileges is empty"),
        ("SELECT ON orders.*", r"grants\[0\]: expected a dictionary with privileges, on"),
    ],
)
def test_a_malformed_grant_is_named(element, sentence):
    with pytest.raises(InvalidOption, match=sentence):
        account_request({**options(), "grants": [element]})


def users(*elements, unlisted="keep", confirm=False):
    return account_requests({"users": list(elements), "unlisted": unlisted, "confirm": confirm})


@pytest.mark.parametrize(("field", "value"), [("name", ""), ("connection_limit", -2)])
def test_impossible_values_are_refused(field, value):
    with pytest.raises(InvalidOption, match=field):
        account_request(options(**{field: value}))


def test_an_element_of_users_is_named_by_its_position():
    with pytest.raises(InvalidOption, match=r"users\[1\]: missing required arguments: name"):
        users({"name": "a"}, {"comment": "b"})


def test_elements_that_are_alike_are_told_apart():
    requests = users(
        {"name": "jane", "locked": "yes"},
        {"name": "joe", "locked": "yes", "grants": [{"privileges": ["SELECT"], "on": "a.*"}]},
        {"name": "jim", "locked": "yes", "grants": [{"privileges": ["SELECT"], "on": "b.*"}]},
        {"name": 7, "locked": "yes"},
        {"name": "jil", "locked": True},
        {"name": "jon", "locked": "no"},
    )
    assert [request.name for request in requests] == ["jane", "joe", "jim", "7", "jil", "jon"]
    assert [request.locked for request in requests] == [True, True, True, True, True, False]
    assert [grant.on for request in requests for grant in request.grants or ()] == ["a.*", "b.*"]
    with pytest.raises(InvalidOption, match=r"^account joe \(users\[1\]\), colour: .*colour"):
        users({"name": "jane"}, {"name": "joe", "colour": "red"})


def test_an_empty_list_drops_everybody_only_when_confirmed():
    with pytest.raises(InvalidOption, match="confirm: true"):
        users(unlisted="drop")
    assert users(unlisted="drop", confirm=True) == []
    assert users(unlisted="lock") == []


@pytest.mark.parametrize("wrong", [["jane"], {"a": 1}])
def test_a_list_is_no_name(wrong):
    with pytest.raises(InvalidOption, match=r"^users\[0\], name: .* is no text; give a text"):
        users({"name": wrong})
    with pytest.raises(
        InvalidOption, match=r"^account jane \(users\[0\]\), grants\[0\]\.on: .* is no text; give a text"
    ):
        users({"name": "jane", "grants": [{"privileges": ["SELECT"], "on": wrong}]})


@pytest.mark.parametrize("wrong", [False, 1.5])
def test_what_yaml_does_not_read_as_a_text_is_refused(wrong):
    """An unquoted no, or 1.50, which would be another name."""
    with pytest.raises(InvalidOption, match=rf"^users\[0\], name: {wrong} is no text; quote it"):
        users({"name": wrong})
    with pytest.raises(InvalidOption, match=r"^account jane \(users\[0\]\), grants\[0\]\.on: .*quote it"):
        users({"name": "jane", "grants": [{"on": wrong, "privileges": ["SELECT"]}]})
    assert users({"name": 12})[0].name == "12"


@pytest.mark.parametrize(
    ("option", "value", "others"),
    [
        ("comment", "a\udcff", {}),
        ("roles", ["ok", "\ud800"], {}),
        ("reassign_owned_to", "\udcff", {"owned_objects": "reassign"}),
    ],
)
def test_bytes_that_are_no_text_are_refused(option, value, others):
    with pytest.raises(InvalidOption, match=rf"^account jane \(users\[0\]\), {option}.*: .* contains invalid UTF-8"):
        users({"name": "jane", **others, option: value})
    with pytest.raises(InvalidOption, match=r"^account jane .*, grants\[0\]\.privileges\[0\]: .*invalid UTF-8"):
        users({"name": "jane", "grants": [{"on": "a.b", "privileges": ["SELECT (\udcff)"]}]})


def test_every_mistake_of_a_set_is_told_at_once():
    with pytest.raises(ManyMistakes) as refused:
        users(
            {"name": "jane", "locked": "perhaps", "colour": "red"},
            "joe",
            {"name": "jil"},
            {"name": "jim", "connection_limit": -2, "grants": [{"privileges": [], "on": "a.*"}, "x"]},
        )
    assert [(entry["account"], entry["element"]) for entry in refused.value.entries()] == [
        ("jane", "locked"),
        ("jane", "colour"),
        ("", ""),
        ("jim", "connection_limit"),
        ("jim", "grants[0]"),
        ("jim", "grants[1]"),
    ]
    assert "account jane (users[0]), colour: unknown option" in str(refused.value)
    assert "users[1]: expected a dictionary with name" in str(refused.value)


def test_an_empty_role_is_refused():
    with pytest.raises(InvalidOption, match=r"^account jane \(users\[0\]\), roles\[1\]: the name of a role is empty"):
        users({"name": "jane", "roles": ["reader", ""]})
