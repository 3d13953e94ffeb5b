"""The rows of T that are of Elastic IPs alone."""

import pytest

from komainu.ports import CloudError, CloudFault
from komainu.types.aws.eip_messages import ALLOCATION_UNKNOWN, CODES, MESSAGES
from komainu.types.aws.messages import API_FAILED, ENI_UNKNOWN, Reason, reason_of


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("InvalidAllocationID.NotFound", ALLOCATION_UNKNOWN),
        ("InvalidAllocationId.Malformed", ALLOCATION_UNKNOWN),
        ("InvalidNetworkInterfaceID.NotFound", ENI_UNKNOWN),
        ("InvalidAssociationID.NotFound", API_FAILED),
    ],
)
def test_the_code_alone_decides_which_row_it_is(code: str, reason: Reason) -> None:
    assert reason_of(CloudError(CloudFault.REFUSED, code, "The VPC ID 'vpc-1' does not exist"), CODES) is reason


def test_the_rows_are_the_seeds_to_the_letter() -> None:
    said = {message.en for message in MESSAGES}
    for row in (
        "Activating {resource} resource has failed.(5 : The allocation ID '{allocation}' does not exist)",
        "Activating {resource} resource has failed.(5 : The networkInterface ID '{eni}' does not exist)",
        "Activating {resource} resource has failed.(6 : Timeout occurred.)",
        "Detected an error in monitoring {monitor}. "
        "(7 : The EIP address does not exist. (EIP ALLOCATION ID={allocation}))",
    ):
        assert row in said
