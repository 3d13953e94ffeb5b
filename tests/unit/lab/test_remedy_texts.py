"""The texts by themselves: what the seed's troubleshooting chapter has, said in both languages."""

import pytest

from komainu_lab.remedy_texts import REMEDIES

OF_THE_SEED = (
    "Internal error. (status={status})",
    "Failed in the AWS CLI command.",
    "The vpc ID '{vpc}' does not exist",
    "The networkInterface ID '{eni}' does not exist",
    "The allocation ID '{allocation}' does not exist",
    "Timeout occurred.",
    "The VIP address {address} belongs to a VPC subnet.",
    "Source/Dest. Check of {eni} is enabled",
    "The routing for VIP {address} was changed.",
    "The EIP address does not exist. (EIP ALLOCATION ID={allocation})",
    "Invalid availability zone: [{zone}]",
)


@pytest.mark.parametrize("sentence", OF_THE_SEED)
def test_each_row_of_the_seed_has_an_entry(sentence: str) -> None:
    assert [each.sentence for each in REMEDIES if each.sentence == sentence] == [sentence]


def test_each_text_is_a_sentence_in_both_languages() -> None:
    texts = [text for each in REMEDIES for text in (*each.causes, *each.actions)]
    assert all(en.endswith(".") and ja.endswith("。") for en, ja in texts)
