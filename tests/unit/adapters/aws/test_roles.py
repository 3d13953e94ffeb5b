"""The rights of another role: what is asked of STS, and what is signed with its answer."""

import asyncio

import pytest

from komainu.adapters.aws.ec2 import Ec2Cloud
from komainu.ports import CloudError, CloudFault
from tests.doubles.api_server import ApiServer, Request, error, replaced

pytestmark = pytest.mark.sockets

ROLE = "arn:aws:iam::111122223333:role/routes"
ASSUMED = f"""<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult>
<AssumedRoleUser><AssumedRoleId>AROA1:komainu</AssumedRoleId><Arn>{ROLE}</Arn></AssumedRoleUser>
<Credentials><AccessKeyId>ASIAOTHEROTHEROTHER0</AccessKeyId><SecretAccessKey>secret</SecretAccessKey>
<SessionToken>token-of-the-other</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials>
</AssumeRoleResult><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></AssumeRoleResponse>"""


def assumed(request: Request) -> None:
    request.answer(200, ASSUMED)


def replace_twice(url: str) -> tuple[Ec2Cloud, CloudError | None]:
    """Two changes by the role, and two by the node's own rights."""

    async def body() -> tuple[Ec2Cloud, CloudError | None]:
        cloud = Ec2Cloud("ap-northeast-1", url)
        try:
            for each in (cloud.assume(ROLE), cloud.assume(ROLE), cloud, cloud):
                await each.replace_route("rtb-1", "10.1.0.20/32", "eni-1", 20_000)
        except CloudError as raised:
            return cloud, raised
        finally:
            cloud.close()
        return cloud, None

    return asyncio.run(body())


def test_the_role_is_assumed_once_and_signs_its_own_calls() -> None:
    with ApiServer(assumed, replaced) as server:
        cloud, raised = replace_twice(server.url)
        signed = [request.headers["authorization"] for request in server.requests]
        assert server.actions == ["AssumeRole", *["ReplaceRoute"] * 4]
    assert raised is None
    assert server.requests[0].fields["RoleArn"] == ROLE
    assert ["ASIAOTHER" in each for each in signed] == [False, True, True, False, False]
    assert server.requests[1].headers["x-amz-security-token"] == "token-of-the-other"
    assert cloud.calls() == {"ReplaceRoute": 4}, "counted with the node's own"


def test_a_role_that_is_denied_has_changed_nothing() -> None:
    with ApiServer(error(403, "AccessDenied"), replaced) as server:
        _, raised = replace_twice(server.url)
        assert "ReplaceRoute" not in server.actions
    assert raised is not None
    assert (raised.fault, raised.code) == (CloudFault.REFUSED, "AccessDenied")
    assert "secret" not in str(raised)
