"""moto is wrong without each correction of Route 53, and right with it."""

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto import settings
from moto.core.authorization import ActionAuthenticatorMixin
from moto.moto_api._internal.models import moto_api_backend

from komainu_lab.vpc import corrections, hosted_zones
from komainu_lab.vpc.build import Keys, Operator, _policy
from komainu_lab.vpc.dispatch import Dispatcher
from komainu_lab.vpc.emulator import enforce_policies

REGION = "ap-northeast-1"


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(settings, "INITIAL_NO_AUTH_ACTION_COUNT", float("inf"))
    monkeypatch.setattr(ActionAuthenticatorMixin, "request_count", 0)
    moto_api_backend.reset()
    yield
    moto_api_backend.reset()


def client(*actions: str) -> Any:
    """Route 53 for a user who may do these, with the policies enforced."""
    operator = Operator(Dispatcher(), REGION)
    iam = operator.client("iam")
    iam.create_user(UserName="user")
    iam.put_user_policy(UserName="user", PolicyName="some", PolicyDocument=_policy(*actions))
    key = iam.create_access_key(UserName="user")["AccessKey"]
    operator.sign_in(Keys(key["AccessKeyId"], key["SecretAccessKey"]))
    enforce_policies()
    return operator.client("route53")


def code_of_a_refusal() -> str:
    with pytest.raises(ClientError) as raised:
        client("ec2:*").create_hosted_zone(Name="example.com", CallerReference="1")
    return str(raised.value.response["Error"].get("Code", ""))


def test_a_refusal_has_its_code() -> None:
    assert code_of_a_refusal() == "", "the correction is needless"
    moto_api_backend.reset()
    settings.INITIAL_NO_AUTH_ACTION_COUNT = float("inf")
    applied = corrections.apply((*corrections.CORRECTIONS, hosted_zones.readable_refusals))
    try:
        assert code_of_a_refusal() == "AccessDenied"
    finally:
        applied.withdraw()


def test_a_question_has_the_right_signature() -> None:
    route53 = client("route53:*")
    zone = route53.create_hosted_zone(Name="example.com", CallerReference="1")["HostedZone"]["Id"]
    asked = {"HostedZoneId": zone, "StartRecordName": "db.example.com", "StartRecordType": "A", "MaxItems": "1"}
    with pytest.raises(ClientError):
        route53.list_resource_record_sets(**asked)
    applied = corrections.apply(hosted_zones.CORRECTIONS)
    try:
        assert route53.list_resource_record_sets(**asked)["ResponseMetadata"]["HTTPStatusCode"] == 200
    finally:
        applied.withdraw()


def code_of_a_deletion(route53: Any) -> str:
    """What is answered when a record is to be deleted as it was before."""
    zone = route53.create_hosted_zone(Name="example.com", CallerReference=str(id(route53)))["HostedZone"]["Id"]

    def change(action: str, value: str) -> None:
        record = {"Name": "db.example.com", "Type": "A", "TTL": 10, "ResourceRecords": [{"Value": value}]}
        batch = {"Changes": [{"Action": action, "ResourceRecordSet": record}]}
        route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch=batch)

    change("UPSERT", "10.0.1.10")
    change("UPSERT", "10.0.2.10")
    try:
        change("DELETE", "10.0.1.10")
    except ClientError as error:
        change("DELETE", "10.0.2.10")
        return str(error.response["Error"]["Code"])
    return "done"


def test_only_what_is_there_is_deleted() -> None:
    route53 = client("route53:*")
    assert code_of_a_deletion(route53) != "InvalidChangeBatch", "the correction is needless"
    applied = corrections.apply(hosted_zones.CORRECTIONS)
    try:
        assert code_of_a_deletion(route53) == "InvalidChangeBatch"
    finally:
        applied.withdraw()
