# SPDX-FileCopyrightText: dbops.aurora_iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a task says when AWS refuses, and when AWS cannot be asked at all: botocore's own failures, on a server that
answers as AWS."""

from __future__ import annotations

import getpass
import io
import os
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from ansible_collections.dbops.aurora_iam.plugins.module_utils._aws import data_api
from ansible_collections.dbops.aurora_iam.plugins.module_utils._aws.calls import principal
from ansible_collections.dbops.aurora_iam.plugins.module_utils._errors import CloudError
from tests.integration.aws.replayed_answers import ASK, WHO, Aws, clients, describe

pytestmark = [
    pytest.mark.direct("is about AWS's answers"),
    pytest.mark.filterwarnings("ignore::getpass.GetPassWarning"),
]

ANSWERS = yaml.safe_load((Path(__file__).parent / "answers.yml").read_text())["answers"]
NO_KEYS = {"access_key": None, "secret_key": None}
ROLE = "role_arn = arn:aws:iam::210987654321:role/dba"
EXPIRED = '{"Version": 1, "AccessKeyId": "AKIAX", "SecretAccessKey": "x", "Expiration": "2020-01-01T00:00:00Z"}'
PROFILES = {
    "base": "aws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = wJalrXUtnFEMI",
    "role": f"{ROLE}\nsource_profile = base",
    "web": f"{ROLE}\nweb_identity_token_file = HERE/token",
    "mfa": f"{ROLE}\nsource_profile = base\nmfa_serial = arn:aws:iam::123456789012:mfa/ops",
    "no-file": f"{ROLE}\nweb_identity_token_file = HERE/nowhere",
    "no-program": "credential_process = HERE/nowhere",
    "expired": "credential_process = HERE/expired",
    "text": "credential_process = HERE/text",
    "fails": "credential_process = HERE/fails",
    "short": "credential_process = HERE/short",
    "half": "aws_access_key_id = AKIAX",
    "no-source": f"{ROLE}\nsource_profile = nowhere",
    "circle": f"{ROLE}\nsource_profile = back",
    "back": f"{ROLE}\nsource_profile = circle",
    "odd-source": f"{ROLE}\ncredential_source = Nothing",
    "metadata": f"{ROLE}\ncredential_source = Ec2InstanceMetadata",
    "sso": "sso_session = my\nsso_account_id = 123456789012\nsso_role_name = dba",
    "empty": "output = json",
}
PROGRAMS = {"expired": f"echo '{EXPIRED}'", "text": "echo hello", "fails": "echo 'log in first' >&2; exit 3"}


@pytest.fixture
def files(aws: Aws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """AWS's shared files and nothing else that gives credentials, and no terminal."""
    config = "[sso-session my]\nsso_start_url = https://x.awsapps.com/start\nsso_region = eu-central-1\n"
    config += "".join(f"[profile {name}]\n{text}\n" for name, text in PROFILES.items())
    (tmp_path / "config").write_text(config.replace("HERE", str(tmp_path)))
    (tmp_path / "token").write_text("x.y.z")
    for name, text in {**PROGRAMS, "short": """echo '{"Version": 1, "AccessKeyId": "AKIAX"}'"""}.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / name).chmod(0o755)
    for name in [name for name in os.environ if name.startswith("AWS_") and name != "AWS_MAX_ATTEMPTS"]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws.url)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("HOME", str(tmp_path))
    # A worker of Ansible has no terminal, and nothing on its standard input
    monkeypatch.setattr(getpass, "os", SimpleNamespace(open=os.open, O_RDWR=os.O_RDWR | os.O_DIRECTORY, O_NOCTTY=0))
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    return tmp_path


@pytest.mark.parametrize("row", ANSWERS, ids=lambda row: f"{row['ask']}-{row['code']}-{row['says'][-30:]}")
def test_each_answer_has_its_sentence(
    aws: Aws, files: Path, row: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for patience in ("_PATIENCE", "_NETWORK_PATIENCE"):
        monkeypatch.setattr(data_api, patience, -1.0)
    aws.answer = (row["status"], row["code"], row["says"])
    kind, _space, what = row["ask"].partition(" ")
    profiles = {"role": "role", "web": "web"}
    options = {**NO_KEYS, "profile": profiles[kind]} if kind in profiles else {}
    ask = ASK[kind] if kind in ASK else ASK.get(what, describe)
    with pytest.raises(CloudError) as failed:
        ask(clients(aws.url, **options))
    assert str(failed.value) == row["sentence"]
    assert row["says"].rstrip(".") in str(failed.value) or not row["code"]


CHECK_FILES = "Correct it in ~/.aws/config or ~/.aws/credentials, or in the files that AWS_CONFIG_FILE and"
BY_HAND = "Run the profile's credential_process, or ask its provider of credentials, by hand"
NO_CREDENTIALS = "Unable to locate credentials. Set profile, or access_key and secret_key, or give"
OBSTACLES = {
    "mfa": "nobody entered the MFA code .* The profile needs an MFA code, which a task cannot ask for; begin a session",
    "no-file": r"No such file or directory: '.*/nowhere'. Correct the path .* web_identity_token_file of the profile",
    "no-program": r"No such file or directory: '.*/nowhere'. Correct the path .* credential_process",
    "expired": r"refreshed credentials are still expired. The source of the credentials \(credential_process",
    "text": "Expecting value: .* The profile's credential_process must print JSON with Version, AccessKeyId",
    "fails": f"Error when retrieving credentials from custom-process: log in first. {BY_HAND}",
    "short": f"Missing required key in response: 'SecretAccessKey'. {BY_HAND}",
    "half": "missing: aws_secret_access_key. Set access_key and secret_key together",
    "no-source": f'The source_profile "nowhere" .* does not exist. {CHECK_FILES}',
    "circle": f"Infinite loop in credential configuration detected.* {CHECK_FILES}",
    "odd-source": f'The credential source "Nothing" .* is not valid. {CHECK_FILES}',
    "metadata": f"credentials from Ec2InstanceMetadata: No credentials found .* {BY_HAND}",
    "sso": "Error loading SSO Token: Token for my does not exist. Run aws sso login for this profile",
    "empty": NO_CREDENTIALS,
    "nowhere": r"The config profile \(nowhere\) could not be found. Correct profile \(or AWS_PROFILE\)",
}


@pytest.mark.parametrize("profile", OBSTACLES)
@pytest.mark.parametrize(
    ("ask", "begin"),
    [
        ("cluster", "rds:DescribeDBClusters on cluster orders could not be sent"),
        ("token", "No IAM token can be signed for jane on cluster orders"),
    ],
)
def test_credentials_that_cannot_be_had(aws: Aws, files: Path, profile: str, ask: str, begin: str) -> None:
    with pytest.raises(CloudError, match=f"^{begin}: .*{OBSTACLES[profile]}"):
        ASK[ask](clients(aws.url, profile=profile, **NO_KEYS))
    assert aws.asked == []


ENVIRONMENTS = {
    "nothing": ({}, NO_CREDENTIALS),
    "a file that is no configuration": ({"AWS_CONFIG_FILE": "HERE/token"}, f"Unable to parse config.* {CHECK_FILES}"),
    "a web identity": (
        {"AWS_WEB_IDENTITY_TOKEN_FILE": "HERE/nowhere", "AWS_ROLE_ARN": "arn:aws:iam::210987654321:role/dba"},
        "No such file or directory: .* AWS_WEB_IDENTITY_TOKEN_FILE",
    ),
}


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_an_environment_that_gives_none(aws: Aws, files: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    variables, words = ENVIRONMENTS[name]
    for variable, value in variables.items():
        monkeypatch.setenv(variable, value.replace("HERE", str(files)))
    with pytest.raises(CloudError, match=f"^No IAM token can be signed for jane on cluster orders: .*{words}"):
        ASK["token"](clients(aws.url, **NO_KEYS))


SETTINGS = {
    "region that cannot be one": ({"region": "eu central"}, "doesn't match a supported format. Set region to one that"),
    "no region": ({"region": None}, "requires a region and none was found .* Set region, or AWS_REGION in"),
    "address without a scheme": ({"endpoint_url": "localhost"}, "Invalid endpoint: localhost. Correct endpoint_url"),
    "nobody there": ({"endpoint_url": "http://127.0.0.1:9"}, "Could not connect to the endpoint URL: .* Check region"),
    "no such name": ({"endpoint_url": "http://no.invalid"}, "Could not connect to the endpoint URL: .* Check region"),
    "no TLS there": ({"endpoint_url": "https://URL"}, "SSL validation failed for .* Set aws_ca_bundle to the"),
    "unknown setting": ({"aws_config": {"nonsense": 1}}, "'nonsense'. Correct the option that is named"),
    "impossible setting": ({"aws_config": {"retries": {"mode": "x"}}}, '"mode": "x" .* Correct the option that is'),
    "no answer": (
        {"aws_config": {"read_timeout": 0.01}},
        "Read timeout on endpoint URL: .* Check region, endpoint_url",
    ),
    "no proxy there": (
        {"aws_config": {"proxies": {"http": "http://127.0.0.1:9"}}},
        r"Failed to connect to proxy URL: .* Check the proxy \(HTTPS_PROXY, or proxies in aws_config\)",
    ),
    "keys and a profile": (
        {"profile": "base"},
        "Passing both a profile and access tokens .* Leave out profile, or",
    ),
    "half of the keys": ({"secret_key": None}, "missing: aws_secret_access_key. Set access_key and secret_key"),
}


@pytest.mark.parametrize("name", SETTINGS)
def test_settings_that_keep_aws_from_being_asked(aws: Aws, files: Path, name: str) -> None:
    options, words = SETTINGS[name]
    aws.seconds = 0.1
    address = str(options.get("endpoint_url", aws.url)).replace("URL", aws.url.removeprefix("http://"))
    with pytest.raises(CloudError, match=words):
        describe(clients(aws.url, **{**options, "endpoint_url": address}))


def test_who_is_denied_is_asked_only_where_aws_does_not_say_so(aws: Aws) -> None:
    aws.answer = (403, "AccessDenied", "Access Denied")
    with pytest.raises(
        CloudError, match=f"^AWS denied rds:DescribeDBClusters on cluster orders to {WHO}: Access Denied"
    ):
        describe(clients(aws.url))
    assert aws.asked == ["DescribeDBClusters", "GetCallerIdentity"]
    aws.asked.clear()
    aws.answer = (
        403,
        "AccessDenied",
        f"User: {WHO} is not authorized to perform: rds:DescribeDBClusters on resource: *",
    )
    with pytest.raises(CloudError, match=f"^AWS denied rds:DescribeDBClusters on cluster orders: User: {WHO} is not"):
        describe(clients(aws.url))
    assert aws.asked == ["DescribeDBClusters"]


def test_not_knowing_who_is_denied_is_no_failure_of_its_own(aws: Aws) -> None:
    aws.answer, aws.identity = (403, "AccessDenied", "Access Denied"), False
    with pytest.raises(CloudError, match=r"^AWS denied rds:DescribeDBClusters on cluster orders: Access Denied. Allow"):
        describe(clients(aws.url))
    assert aws.asked == ["DescribeDBClusters", "GetCallerIdentity"]
    assert principal(clients("http://127.0.0.1:9")) == ""


@pytest.mark.parametrize("code", ["Throttling", "RequestLimitExceeded", "InternalFailure", "ServiceUnavailable"])
def test_what_passes_is_repeated(aws: Aws, code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "3")
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    aws.answer = (500 if code.startswith(("Internal", "Service")) else 400, code, "x")
    with pytest.raises(CloudError, match=rf"failed: x \({code}\). It was repeated"):
        describe(clients(aws.url))
    assert aws.asked == ["DescribeDBClusters"] * 3


def test_how_often_is_the_environment_s_or_the_option_s_to_say(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    aws.answer = (400, "Throttling", "Rate exceeded")
    monkeypatch.delenv("AWS_MAX_ATTEMPTS")
    for option, attempts in (({}, 8), ({"aws_config": {"retries": {"total_max_attempts": 2}}}, 2)):
        aws.asked.clear()
        with pytest.raises(CloudError):
            describe(clients(aws.url, **option))
        assert len(aws.asked) == attempts
