"""What it means for the third vote when AWS does not answer as hoped: the store is silent, and why (N3, N4).

Judged by error codes alone. Nothing of this proves anything of the other node.
"""

from komainu.model.message import Message
from komainu.ports import CloudError, CloudFault, StoreSilent

MISSING = Message(
    "KM8501",
    "The store of the third vote {place} does not exist ({code}). Komainu never creates it. Create it as `lease.md` "
    "in the documentation says, or correct `arbitration` in the configuration.",
    "第三の投票先 {place} がありません ({code})。Komainu がこれを作成することはありません。ドキュメントの "
    "`lease.md` に従って作成するか、構成情報の `arbitration` を直してください。",
    "error",
)
DENIED = Message(
    "KM8502",
    "This node may not use the store of the third vote {place} ({code}). Its role or user needs {actions}.",
    "このノードには第三の投票先 {place} を使用する権限がありません ({code})。ロールまたはユーザに {actions} を許"
    "可してください。",
    "error",
)
CREDENTIALS = Message(
    "KM8503",
    "The credentials of this node are missing, expired or wrong ({code}), so the store of the third vote {place} "
    "cannot be asked. Attach the instance role or renew the keys; if they are right, correct the clock of this node.",
    "このノードの認証情報がないか、期限切れか、誤っているため ({code})、第三の投票先 {place} に問い合わせできま"
    "せん。インスタンスロールを割り当てるか、キーを更新してください。正しい場合は、ノードの時計を合わせてください。",
    "error",
)
WRONG_CLOCK = Message(
    "KM8504",
    "The clock of this node is too far from the right time ({code}), so the store of the third vote {place} refuses "
    "its requests. Synchronise the clock.",
    "このノードの時計が正しい時刻から大きくずれているため ({code})、第三の投票先 {place} に拒否されます。時刻を"
    "同期してください。",
    "error",
)
BUSY = Message(
    "KM8505",
    "The store of the third vote {place} asks for patience ({code}): too many requests. A table needs on-demand "
    "capacity, and a bucket no other heavy use of the same prefix.",
    "要求が多すぎるため、第三の投票先 {place} が処理を制限しています ({code})。テーブルはオンデマンド容量にし、"
    "バケットでは同じプレフィックスを他の大量の処理に使わないでください。",
    "error",
)
WRONG_REGION = Message(
    "KM8506",
    "The store of the third vote {place} is not in the region {region} ({code}). Give its region as `region`.",
    "第三の投票先 {place} はリージョン {region} にありません ({code})。正しいリージョンを `region` に指定して"
    "ください。",
    "error",
)
UNREACHABLE = Message(
    "KM8507",
    "This node cannot reach the store of the third vote {place} ({code}). Check route, DNS, proxy and endpoint policy.",
    "このノードから第三の投票先 {place} に接続できません ({code})。経路、DNS、プロキシ、エンドポイントポリシーを"
    "確認してください。",
    "error",
)
NO_ANSWER = Message(
    "KM8508",
    "The store of the third vote {place} gave no answer ({code}). Whether a write was carried out is not known.",
    "第三の投票先 {place} から応答がありません ({code})。書き込みが行われたかどうか分かりません。",
    "error",
)
FAILED = Message(
    "KM8509",
    "The store of the third vote {place} answered with an error ({code}). The detail has its text.",
    "第三の投票先 {place} がエラーを返しました ({code})。内容は詳細を参照してください。",
    "error",
)

MESSAGES = (MISSING, DENIED, CREDENTIALS, WRONG_CLOCK, BUSY, WRONG_REGION, UNREACHABLE, NO_ANSWER, FAILED)

_MEANINGS: tuple[tuple[Message, tuple[str, ...]], ...] = (
    (MISSING, ("NoSuchBucket", "ResourceNotFoundException")),
    (DENIED, ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AllAccessDisabled", "403")),
    (
        CREDENTIALS,
        (
            *("ExpiredToken", "ExpiredTokenException", "InvalidAccessKeyId", "InvalidClientTokenId", "InvalidToken"),
            *("UnrecognizedClientException", "SignatureDoesNotMatch", "InvalidSignatureException", "AuthFailure"),
            *("IncompleteSignatureException", "MissingAuthenticationTokenException", "NotSignedUp"),
            *("NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError", "MetadataRetrievalError"),
            *("TokenRetrievalError", "ProfileNotFound", "ConfigParseError"),
        ),
    ),
    (WRONG_CLOCK, ("RequestTimeTooSkewed", "RequestExpired")),
    (
        BUSY,
        (
            *("SlowDown", "Throttling", "ThrottlingException", "ThrottledException", "RequestLimitExceeded"),
            *("ProvisionedThroughputExceededException", "TooManyRequestsException", "RequestThrottled"),
        ),
    ),
    (
        WRONG_REGION,
        (
            *("PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "301"),
            *("NoRegionError", "InvalidRegionError"),
        ),
    ),
)


def silent(error: CloudError, place: str, region: str | None, actions: str) -> StoreSilent:
    """The error as an answer of a VoteStore. `actions`: the permissions that the store needs."""
    message = next((message for message, codes in _MEANINGS if error.code in codes), None)
    if message is None:
        message = {CloudFault.UNREACHABLE: UNREACHABLE, CloudFault.NO_ANSWER: NO_ANSWER}.get(error.fault, FAILED)
    said = message.said(place=place, code=error.code or "-", region=region or "-", actions=actions)
    return StoreSilent(said, f"{error.code}: {error.text}")
