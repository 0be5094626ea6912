"""Each secrets manager by its own protocol, over a socket: the way in, one secret, and what goes wrong in words that
hold nothing of an answer."""

import json
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import moto.settings
import pytest
from moto.server import ThreadedMotoServer

from tests.hub.vault.managers.doubles import Double, InfisicalDouble, VaultDouble, running
from tradepost.foundation.clock import system_now
from tradepost.foundation.errors import InvalidArgument, SetupError, Unavailable
from tradepost.hub.vault.managers.aws_signing import AwsCredential, signed
from tradepost.hub.vault.managers.configuration import Configured, read_managers
from tradepost.hub.vault.managers.references import filled_in, read_reference, references_in

SECRET = "CANARY-of-a-shop"


class Clock:
    at = 1000.0

    def __call__(self) -> float:
        return self.at


def configured(folder: Path, settings: dict[str, Any], clock: Any = time.monotonic, **environment: str) -> Configured:
    file = folder / "managers.json"
    file.write_text(json.dumps({"managers": {"safe": settings}}))
    return read_managers(file, environment, clock=clock)["safe"]


async def read(manager: Configured, reference: str) -> str:
    return await manager.manager.read(read_reference(reference))


@pytest.fixture
async def infisical() -> AsyncIterator[Double]:
    async with running(InfisicalDouble()) as double:
        double.secrets["p1 prod /tradepost/acme API_KEY"] = SECRET
        yield double


@pytest.fixture
async def vault() -> AsyncIterator[Double]:
    async with running(VaultDouble()) as double:
        double.secrets["kv/data/tradepost/acme/tickets"] = {"token": SECRET, "number": 7}
        yield double


@pytest.mark.parametrize("older", [False, True])
async def test_infisical_by_universal_auth(infisical: InfisicalDouble, tmp_path: Path, older: bool):
    infisical.older = older
    clock = Clock()
    settings = {"kind": "infisical", "url": infisical.url, "client_id": "hub", "client_secret": "${SECRET_OF_HUB}"}
    manager = configured(tmp_path, settings, clock, SECRET_OF_HUB="CANARY-client-secret")
    reference = "secret://safe/p1/prod/tradepost/acme#API_KEY"
    assert await read(manager, reference) == SECRET
    assert await read(manager, reference) == SECRET
    assert infisical.logins == 1
    infisical.tokens.clear()  # it ended early
    assert await read(manager, reference) == SECRET
    clock.at += 7200  # it ends as it was said
    assert await read(manager, reference) == SECRET
    assert infisical.logins == 3
    for wrong, words in (
        ("secret://safe/p1/prod/tradepost/acme#OTHER", "has no such secret"),
        ("secret://safe/p1/prod/tradepost/acme", "needs a project"),
        ("secret://safe/p1#API_KEY", "needs a project"),
    ):
        with pytest.raises(Unavailable, match=words):
            await read(manager, wrong)
    refused = configured(tmp_path, settings | {"client_secret": "wrong"})
    with pytest.raises(Unavailable, match="did not let the hub log in") as error:
        await read(refused, reference)
    assert "CANARY" not in str(error.value)
    await manager.manager.asker.close()
    await refused.manager.asker.close()


@pytest.mark.parametrize("kind", ["vault", "openbao"])
async def test_a_kv_store_by_approle_and_by_token(vault: VaultDouble, tmp_path: Path, kind: str):
    vault.namespace = "team"
    settings = {"kind": kind, "url": f"{vault.url}/", "namespace": "team"}
    by_role = configured(tmp_path, settings | {"role_id": "hub", "secret_id": "CANARY-secret-id"})
    reference = "secret://safe/kv/tradepost/acme/tickets#token"
    assert await read(by_role, reference) == SECRET
    vault.tokens.clear()
    assert await read(by_role, reference) == SECRET
    assert vault.logins == 2
    vault.tokens.add("CANARY-root")
    by_token = configured(tmp_path, settings | {"token": "CANARY-root"})
    assert await read(by_token, reference) == SECRET
    for wrong, words in (
        ("secret://safe/kv/tradepost/acme/tickets#number", "something else than a text"),
        ("secret://safe/kv/tradepost/acme/tickets#none", "has no such secret"),
        ("secret://safe/kv/tradepost/acme/other#token", "has no such secret"),
        ("secret://safe/kv#token", "needs a mount"),
    ):
        with pytest.raises(Unavailable, match=words):
            await read(by_token, wrong)
    vault.tokens.clear()
    with pytest.raises(Unavailable, match="does not let the hub read it"):
        await read(by_token, reference)
    for answer, words in (
        ((500, b"oops"), "answered with the status 500"),
        ((200, b"<html>"), "has no such secret"),
        ((200, b" " * 300_000), "more than any secret"),
        ((302, b""), "answered with the status 302"),
    ):
        vault.answer = answer
        with pytest.raises(Unavailable, match=words):
            await read(by_token, reference)
    for manager in (by_role, by_token):
        await manager.manager.asker.close()
    gone = configured(tmp_path, {"kind": kind, "url": "http://127.0.0.1:9", "token": "x"})
    with pytest.raises(Unavailable, match="cannot be reached"):
        await read(gone, reference)
    await gone.manager.asker.close()


@pytest.fixture(scope="module")
def aws() -> Iterator[tuple[str, dict[str, str]]]:
    """A server that checks who signs, and one that may read its secrets."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    url = "http://{}:{}".format(*server.get_host_and_port())
    options: dict[str, Any] = {
        "endpoint_url": url,
        "region_name": "eu-central-1",
        "aws_access_key_id": "AKIAFIRST",
        "aws_secret_access_key": "first",
    }
    iam = boto3.client("iam", **options)
    iam.create_user(UserName="hub")
    made = iam.create_access_key(UserName="hub")["AccessKey"]
    allowed = {"Effect": "Allow", "Action": "secretsmanager:*", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    iam.put_user_policy(UserName="hub", PolicyName="read", PolicyDocument=policy)
    boto3.client("secretsmanager", **options).create_secret(
        Name="tradepost/acme/tickets", SecretString=json.dumps({"token": SECRET, "number": 7})
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(moto.settings, "INITIAL_NO_AUTH_ACTION_COUNT", 0)  # from here on signatures are checked
        yield url, {"access_key_id": made["AccessKeyId"], "secret_access_key": made["SecretAccessKey"]}
    server.stop()


async def test_aws_secrets_manager_by_signature(aws: tuple[str, dict[str, str]], tmp_path: Path):
    url, credential = aws
    settings = {"kind": "aws", "region": "eu-central-1", "url": url, **credential}
    manager = configured(tmp_path, settings)
    assert await read(manager, "secret://safe/tradepost/acme/tickets#token") == SECRET
    assert json.loads(await read(manager, "secret://safe/tradepost/acme/tickets"))["number"] == 7
    for wrong, words in (
        ("secret://safe/tradepost/acme/tickets#none", "has no such secret"),
        ("secret://safe/tradepost/acme/tickets#number", "something else than a text"),
        ("secret://safe/tradepost/acme/other#token", "has no such secret"),
    ):
        with pytest.raises(Unavailable, match=words):
            await read(manager, wrong)
    forged = configured(tmp_path, settings | {"secret_access_key": "CANARY-wrong"})
    with pytest.raises(Unavailable, match="does not let the hub read it") as error:
        await read(forged, "secret://safe/tradepost/acme/tickets#token")
    assert "CANARY" not in str(error.value)
    for one in (manager, forged):
        await one.manager.asker.close()


def test_the_signature_is_that_of_awss_own_example():
    """From AWS's documentation of Signature Version 4."""
    headers = {"host": "iam.amazonaws.com", "content-type": "application/x-www-form-urlencoded; charset=utf-8"}
    sent = signed(
        AwsCredential("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
        headers,
        b"",
        datetime(2015, 8, 30, 12, 36, tzinfo=UTC),
        region="us-east-1",
        service="iam",
        method="GET",
        query="Action=ListUsers&Version=2010-05-08",
    )
    assert sent["authorization"].endswith("Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7")
    temporary = AwsCredential("AKIDEXAMPLE", "CANARY", "CANARY-session")
    assert "CANARY" not in repr(temporary)
    sent = signed(temporary, headers, b"", system_now(), region="us-east-1", service="iam")
    assert "x-amz-security-token" in sent["authorization"]


@pytest.mark.parametrize(
    "word",
    [
        "secret://",
        "secret://safe",
        "secret://safe/",
        "secret://safe//x#k",
        "secret://safe/a/../b#k",
        "secret://safe/./b#k",
        "secret://safe/a%2f..%2fb#k",
        "secret://safe/a/b#",
        "secret://safe/a/b#k#l",
        "secret://SAFE/a/b#k",
        "secret://safe/a\\b#k",
        "secret://safe/a?x=1#k",
        "secret://safe:1/a#k",
        "secret://user@safe/a#k",
        "secret://safe/" + "a" * 600,
    ],
)
def test_what_is_no_reference_is_refused(word: str):
    with pytest.raises(InvalidArgument) as refused:
        references_in(f"Bearer {word}")
    assert word == "secret://" or word not in str(refused.value)


def test_references_stand_among_other_words():
    value = "Bearer secret://a/x/y#k"
    assert [str(one) for one in references_in(value)] == ["secret://a/x/y#k"]
    assert filled_in(value, ["plain"]) == "Bearer plain"
    assert references_in("Bearer plain") == []


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"kind": "safe"}, "is wrong at managers.safe"),
        ({"kind": "vault", "url": "https://v.test"}, "either token, or role_id"),
        ({"kind": "vault", "url": "https://v.test", "token": "CANARY", "role_id": "x"}, "either token, or role_id"),
        ({"kind": "vault", "url": "http://v.test", "token": "CANARY"}, "clear text"),
        ({"kind": "vault", "url": "https://u:CANARY@v.test", "token": "CANARY"}, "no URL"),
        ({"kind": "vault", "url": "https://v.test", "token": "${CANARY_IS_NOT_SET}"}, "which is not set"),
        ({"kind": "vault", "url": "https://v.test", "token": "x", "allow": {"*": ["kv/../other"]}}, "path of 'safe'"),
        ({"kind": "vault", "url": "https://v.test", "token": "x", "allow": {"*": [""]}}, "path of 'safe'"),
        ({"kind": "vault", "url": "https://v.test", "token": "x", "more": "CANARY"}, "is wrong at"),
        ({"kind": "vault", "url": "https://v.test", "token": ["CANARY"]}, "is wrong at"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_sentence(tmp_path: Path, settings: dict[str, Any], words: str):
    with pytest.raises(SetupError, match=words) as refused:
        configured(tmp_path, settings)
    assert 'CANARY"' not in f"{refused.value} {refused.value.hint}".replace("CANARY_IS", "")
    assert refused.value.hint


def test_no_file_no_managers(tmp_path: Path):
    assert read_managers(None) == {}
    (tmp_path / "broken.json").write_text('{"managers": CANARY}')
    with pytest.raises(SetupError, match="is not JSON") as refused:
        read_managers(tmp_path / "broken.json")
    assert "CANARY" not in str(refused.value)
    with pytest.raises(SetupError, match="cannot be read"):
        read_managers(tmp_path / "none.json")


def test_plain_http_only_where_somebody_said_so(tmp_path: Path):
    settings = {"kind": "vault", "url": "http://openbao:8200", "token": "x", "plain_http": True}
    assert configured(tmp_path, settings).prefixes("acme") == []
