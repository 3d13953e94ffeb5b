"""What a witness and those who ask it agree on: a third machine that keeps the record of the third vote (N3).

    GET /v1/records/NAME                          200 with the text and its version as ETag, or 404
    PUT /v1/records/NAME  If-Match: "VERSION"     200 with the new version as ETag, or 412
    PUT /v1/records/NAME  If-None-Match: *        the same

Every request has the token (`Authorization: Bearer`), every answer the header `Komainu-Witness`: what comes without it
comes from something else that answers in its place, and says nothing.
"""

import re
from dataclasses import dataclass
from typing import Final

HEADER: Final = "Komainu-Witness"
FORMAT: Final = "1"
PATH: Final = "/v1/records/"
NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
MOST_BYTES: Final = 65_536
"Of a text; a record has a few hundred."


@dataclass(frozen=True, slots=True)
class WitnessSettings:
    """What `komainu witness` is started with."""

    host: str
    "The address to listen on."
    port: int
    "0: any that is free."
    state: str
    "The file of the records."
    certificate: str
    "The file of the certificate and what leads to its CA (PEM)."
    key: str
    "The file of the private key (PEM)."
    token_file: str
