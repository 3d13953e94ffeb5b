"""`lease_s3`: the third vote as one object in Amazon S3 (N3).

S3 writes an object under the condition that it has a certain ETag, or that there is none, and reads are strongly
consistent. A refused condition (412), a conflict with a write under way (409) and an object that is gone (404) are
refusals; whatever else is no success says nothing.
"""

from pydantic import BaseModel, ConfigDict, Field, field_validator

from komainu.arbitration import lease_cloud, lease_proof
from komainu.model.described import ja
from komainu.model.message import Message, Refused, Said
from komainu.ports import CloudError, Held, LeaseHost, LeaseType, StoreSilent

REFUSALS = ("PreconditionFailed", "ConditionalRequestConflict", "412", "409")
ABSENT = "NoSuchKey"
ACTIONS = "s3:GetObject, s3:PutObject, s3:ListBucket"

NO_BUCKET = Message(
    "KM8521",
    "`{bucket}` is no bucket that can hold the third vote. It must be a general purpose bucket, given by its own name: "
    "a directory bucket lies in one availability zone, and an access point may lead to copies.",
    "`{bucket}` は第三の投票を置けるバケットではありません。汎用バケットを、バケット名で指定してください。ディレクトリ"
    "バケットは 1 つのアベイラビリティゾーンにだけあり、アクセスポイントは複製を指すことがあります。",
    "error",
)
EXPIRES = Message(
    "KM8522",
    "A lifecycle rule of the bucket {bucket} deletes objects that begin with `{prefix}`, and so the record of the "
    "third vote {key}. Without it no node could take over. Leave it out of the rule.",
    "バケット {bucket} のライフサイクルルールが `{prefix}` で始まるオブジェクトを削除します。第三の投票のレコード "
    "{key} も削除され、どのノードも引き継げなくなります。ルールの対象から外してください。",
    "error",
)
REPLICATED = Message(
    "KM8523",
    "The bucket {bucket} is replicated. That does no harm as long as all nodes use this bucket, and nothing is "
    "replicated back into it: a copy is always older, and must never be used as the store.",
    "バケット {bucket} はレプリケーションされています。全ノードがこのバケットを使用し、逆方向の複製がない限り問題あり"
    "ません。複製は常に古いため、投票先として使用しないでください。",
    "warning",
)

MESSAGES = (*lease_cloud.MESSAGES, *lease_proof.MESSAGES, NO_BUCKET, EXPIRES, REPLICATED)

_NO_BUCKETS = ("--x-s3", "-s3alias", "--ol-s3", ".mrap")


class Params(BaseModel):
    """The parameters of a vote in Amazon S3."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    bucket: str = Field(
        pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$",
        json_schema_extra=ja("汎用バケットの名前。Komainu は作成しない。"),
    )
    "The name of a general purpose bucket. Komainu never creates it."
    key: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9_][A-Za-z0-9_./-]{0,199}$",
        json_schema_extra=ja("レコードのキー。省略時は `komainu/クラスタ名`。"),
    )
    "The key of the record; by default `komainu/NAME` with the cluster's name."
    region: str | None = Field(
        default=None,
        pattern=r"^[a-z]{2}(-[a-z]+)+-[0-9]+$",
        json_schema_extra=ja("バケットのリージョン。省略時は `cluster.aws.region`、なければ認証情報の設定による。"),
    )
    "The bucket's region; by default `cluster.aws.region`, else the one that comes with the credentials."

    @field_validator("bucket")
    @classmethod
    def _holds_a_vote(cls, bucket: str) -> str:
        if bucket.endswith(_NO_BUCKETS):
            raise Refused(NO_BUCKET.said(bucket=bucket))
        return bucket


class S3Store:
    """One object: `komainu.ports.VoteStore`."""

    def __init__(self, params: Params, host: LeaseHost, key: str | None = None) -> None:
        """`key`: another object than the record."""
        self._params = params
        self._host = host
        self._bucket = params.bucket
        self._key = key or params.key or f"komainu/{host.cluster}"
        self._region = params.region or host.region
        self._place = f"s3://{self._bucket}/{self._key}"

    async def read(self, timeout_ms: int) -> Held | None:
        """What is there now, or None when there surely is nothing."""
        try:
            return await self._host.buckets.get(self._region, self._bucket, self._key, timeout_ms)
        except CloudError as error:
            if error.code == ABSENT:
                return None
            raise self._silent(error) from error

    async def replace(self, version: str, text: str, timeout_ms: int) -> str | None:
        """Write the text if the version is still that one."""
        return await self._put(text, version, timeout_ms)

    async def create(self, text: str, timeout_ms: int) -> str | None:
        """Write the text if nothing is there."""
        return await self._put(text, None, timeout_ms)

    async def examine(self, timeout_ms: int) -> tuple[Said, ...]:
        """Prove on `KEY.probe` that conditions hold; what the bucket's settings would do to the record."""
        beside = S3Store(self._params, self._host, f"{self._key}.probe")
        wrong = await lease_proof.prove(beside, beside._place, timeout_ms)
        return (*wrong, *(await self._of_lifecycle(timeout_ms)), *(await self._of_replication(timeout_ms)))

    async def _put(self, text: str, version: str | None, timeout_ms: int) -> str | None:
        try:
            return await self._host.buckets.put(self._region, self._bucket, self._key, text, version, timeout_ms)
        except CloudError as error:
            if error.code in REFUSALS or (error.code == ABSENT and version is not None):
                return None
            raise self._silent(error) from error

    async def _of_lifecycle(self, timeout_ms: int) -> tuple[Said, ...]:
        try:
            prefixes = await self._host.buckets.expiring(self._region, self._bucket, timeout_ms)
        except CloudError:
            return ()  # a hint, for which nobody has to give a permission
        return tuple(
            EXPIRES.said(bucket=self._bucket, prefix=prefix, key=self._key)
            for prefix in prefixes
            if self._key.startswith(prefix)
        )

    async def _of_replication(self, timeout_ms: int) -> tuple[Said, ...]:
        try:
            replicated = await self._host.buckets.replicated(self._region, self._bucket, timeout_ms)
        except CloudError:
            return ()  # as above
        return (REPLICATED.said(bucket=self._bucket),) if replicated else ()

    def _silent(self, error: CloudError) -> StoreSilent:
        return lease_cloud.silent(error, self._place, self._region, ACTIONS)


LEASE_S3 = LeaseType(
    name="lease_s3",
    title=Message("KM3067", "Third vote in Amazon S3", "第三の投票 (Amazon S3)"),
    description=Message(
        "KM3068",
        "The vote is one object in a bucket, written under a condition, with this node's credentials. They need "
        "`s3:GetObject`, `s3:PutObject` and `s3:ListBucket`.",
        "投票を、バケットの 1 つのオブジェクトへの条件付き書き込みで行う。ノードの認証情報に `s3:GetObject`、"
        "`s3:PutObject`、`s3:ListBucket` の権限が必要。",
    ),
    params=Params,
    messages=MESSAGES,
    make=S3Store,
    warm=lambda params, host, timeout_ms: host.buckets.warm(params.region or host.region, timeout_ms),
)
