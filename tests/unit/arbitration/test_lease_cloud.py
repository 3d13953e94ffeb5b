"""What is said when AWS does not answer as hoped; every text names the store and the code."""

import pytest

from komainu.arbitration import lease_cloud
from komainu.arbitration.lease_cloud import silent
from komainu.model.message import Message
from komainu.ports import CloudError, CloudFault


@pytest.mark.parametrize(
    ("code", "fault", "meant"),
    [
        ("NoSuchBucket", CloudFault.REFUSED, lease_cloud.MISSING),
        ("ResourceNotFoundException", CloudFault.REFUSED, lease_cloud.MISSING),
        ("AccessDenied", CloudFault.REFUSED, lease_cloud.DENIED),
        ("AccessDeniedException", CloudFault.REFUSED, lease_cloud.DENIED),
        ("ExpiredToken", CloudFault.REFUSED, lease_cloud.CREDENTIALS),
        ("UnrecognizedClientException", CloudFault.REFUSED, lease_cloud.CREDENTIALS),
        ("NoCredentialsError", CloudFault.UNREACHABLE, lease_cloud.CREDENTIALS),
        ("RequestTimeTooSkewed", CloudFault.REFUSED, lease_cloud.WRONG_CLOCK),
        ("SlowDown", CloudFault.REFUSED, lease_cloud.BUSY),
        ("ProvisionedThroughputExceededException", CloudFault.REFUSED, lease_cloud.BUSY),
        ("PermanentRedirect", CloudFault.REFUSED, lease_cloud.WRONG_REGION),
        ("ConnectTimeoutError", CloudFault.UNREACHABLE, lease_cloud.UNREACHABLE),
        ("ReadTimeoutError", CloudFault.NO_ANSWER, lease_cloud.NO_ANSWER),
        ("InternalError", CloudFault.NO_ANSWER, lease_cloud.NO_ANSWER),
        ("ValidationException", CloudFault.REFUSED, lease_cloud.FAILED),
        ("KeyError", CloudFault.INTERNAL, lease_cloud.FAILED),
    ],
)
def test_each_code_has_its_meaning(code: str, fault: CloudFault, meant: Message) -> None:
    found = silent(CloudError(fault, code, "the text"), "s3://votes/k", "eu-west-1", "s3:GetObject")
    assert found.said == meant.said(place="s3://votes/k", code=code, region="eu-west-1", actions="s3:GetObject")
    assert "s3://votes/k" in found.said.en
    assert code in found.said.en
    assert found.detail == f"{code}: the text"


def test_what_has_no_code_is_said_too() -> None:
    found = silent(CloudError(CloudFault.REFUSED, "", "the text"), "s3://votes/k", None, "s3:GetObject")
    assert found.said.code == lease_cloud.FAILED.code
    assert "(-)" in found.said.en


def test_no_code_has_two_meanings() -> None:
    codes = [code for _, codes in lease_cloud._MEANINGS for code in codes]
    assert len(codes) == len(set(codes))
    assert {message for message, _ in lease_cloud._MEANINGS} <= set(lease_cloud.MESSAGES)
