"""`lease_dynamodb`: the third vote as one item in a table of Amazon DynamoDB (N3).

An item is written under the condition that its attribute `version` is the one that was read, or that there is no item;
reads are strongly consistent. A condition that does not hold is a refusal; whatever else is no success says nothing.
"""

from pydantic import BaseModel, ConfigDict, Field

from komainu.arbitration import lease_cloud, lease_proof
from komainu.model.described import ja
from komainu.model.message import Message, Said
from komainu.ports import CloudError, Held, LeaseHost, LeaseType, StoreSilent, TableFacts

REFUSAL = "ConditionalCheckFailedException"
ACTIONS = "dynamodb:GetItem, dynamodb:PutItem, dynamodb:DescribeTable"

GLOBAL_TABLE = Message(
    "KM8531",
    "The table {table} is a global table, with replicas in {regions}. Two nodes could win the vote in two regions at "
    "the same time, so it must not be used. Use a table without replicas.",
    "テーブル {table} はグローバルテーブルで、{regions} にレプリカがあります。2 つのノードが別々のリージョンで同時に投"
    "票を得るおそれがあるため、使用できません。レプリカのないテーブルを使用してください。",
    "error",
)
OTHER_KEY = Message(
    "KM8532",
    "The table {table} has the key {found}, but it needs the partition key `{attribute}` of type String and no sort "
    "key. Create another table, or give the name of its partition key as `key_attribute`.",
    "テーブル {table} のキーは {found} ですが、文字列型のパーティションキー `{attribute}` だけが必要です。別のテーブル"
    "を作成するか、パーティションキーの名前を `key_attribute` に指定してください。",
    "error",
)
NOT_ACTIVE = Message(
    "KM8533",
    "The table {table} is not active: no node can read or write the third vote there now.",
    "テーブル {table} は使用可能な状態ではありません。第三の投票の読み書きができません。",
    "error",
)
NOT_DESCRIBED = Message(
    "KM8534",
    "It is not known whether the table {table} is a global table ({code}), which must not be used. Allow "
    "dynamodb:DescribeTable, or make sure yourself.",
    "テーブル {table} が、使用できないグローバルテーブルかどうか確認できません ({code})。dynamodb:DescribeTable を許可"
    "するか、管理者が確認してください。",
    "warning",
)

MESSAGES = (*lease_cloud.MESSAGES, *lease_proof.MESSAGES, GLOBAL_TABLE, OTHER_KEY, NOT_ACTIVE, NOT_DESCRIBED)


class Params(BaseModel):
    """The parameters of a vote in Amazon DynamoDB."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    table: str = Field(
        pattern=r"^[A-Za-z0-9_.-]{3,255}$",
        json_schema_extra=ja("テーブルの名前。Komainu は作成しない。グローバルテーブルは使用できない。"),
    )
    "The name of a table, not a global one. Komainu never creates it."
    key: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9_][A-Za-z0-9_./-]{0,199}$",
        json_schema_extra=ja("レコードのキー。省略時は `komainu/クラスタ名`。"),
    )
    "The key of the record; by default `komainu/NAME` with the cluster's name."
    key_attribute: str = Field(
        default="id",
        pattern=r"^[A-Za-z0-9_.-]{1,255}$",
        json_schema_extra=ja("テーブルのパーティションキーの名前。文字列型であること。"),
    )
    "The name of the table's partition key, which is of type String."
    region: str | None = Field(
        default=None,
        pattern=r"^[a-z]{2}(-[a-z]+)+-[0-9]+$",
        json_schema_extra=ja("テーブルのリージョン。省略時は `cluster.aws.region`、なければ認証情報の設定による。"),
    )
    "The table's region; by default `cluster.aws.region`, else the one that comes with the credentials."


class DynamoStore:
    """One item: `komainu.ports.VoteStore`."""

    def __init__(self, params: Params, host: LeaseHost, key: str | None = None) -> None:
        """`key`: another item than the record."""
        self._params = params
        self._host = host
        self._table = params.table
        self._key = key or params.key or f"komainu/{host.cluster}"
        self._region = params.region or host.region
        self._place = f"dynamodb:{self._table}/{self._key}"

    async def read(self, timeout_ms: int) -> Held | None:
        """What is there now, or None when there surely is nothing."""
        try:
            return await self._host.tables.get(self._region, self._table, self._item, timeout_ms)
        except CloudError as error:
            raise self._silent(error) from error

    async def replace(self, version: str, text: str, timeout_ms: int) -> str | None:
        """Write the text if the version is still that one."""
        return await self._put(text, version, timeout_ms)

    async def create(self, text: str, timeout_ms: int) -> str | None:
        """Write the text if nothing is there."""
        return await self._put(text, None, timeout_ms)

    async def examine(self, timeout_ms: int) -> tuple[Said, ...]:
        """What kind of table it is; then prove on the item `KEY.probe` that conditions hold."""
        wrong = await self._of_table(timeout_ms)
        if any(said.level == "error" for said in wrong):
            return wrong
        beside = DynamoStore(self._params, self._host, f"{self._key}.probe")
        return (*wrong, *(await lease_proof.prove(beside, beside._place, timeout_ms)))

    @property
    def _item(self) -> tuple[str, str]:
        return (self._params.key_attribute, self._key)

    async def _put(self, text: str, version: str | None, timeout_ms: int) -> str | None:
        try:
            return await self._host.tables.put(self._region, self._table, self._item, text, version, timeout_ms)
        except CloudError as error:
            if error.code == REFUSAL:
                return None
            raise self._silent(error) from error

    async def _of_table(self, timeout_ms: int) -> tuple[Said, ...]:
        try:
            facts = await self._host.tables.facts(self._region, self._table, timeout_ms)
        except CloudError as error:
            silent = self._silent(error)
            if silent.said.code != lease_cloud.DENIED.code:
                raise silent from error
            return (NOT_DESCRIBED.said(table=self._table, code=error.code),)
        return tuple(_unfit(facts, self._table, self._params.key_attribute))

    def _silent(self, error: CloudError) -> StoreSilent:
        return lease_cloud.silent(error, self._place, self._region, ACTIONS)


def _unfit(facts: TableFacts, table: str, attribute: str) -> list[Said]:
    found: list[Said] = []
    if facts.regions:
        found.append(GLOBAL_TABLE.said(table=table, regions=", ".join(facts.regions)))
    if facts.keys != ((attribute, "S"),):
        keys = ", ".join(f"{name} ({kind})" for name, kind in facts.keys)
        found.append(OTHER_KEY.said(table=table, found=keys, attribute=attribute))
    if not facts.active:
        found.append(NOT_ACTIVE.said(table=table))
    return found


LEASE_DYNAMODB = LeaseType(
    name="lease_dynamodb",
    title=Message("KM3069", "Third vote in Amazon DynamoDB", "第三の投票 (Amazon DynamoDB)"),
    description=Message(
        "KM3070",
        "The vote is one item in a table, written under a condition, with this node's credentials. They need "
        "`dynamodb:GetItem`, `dynamodb:PutItem` and `dynamodb:DescribeTable`.",
        "投票を、テーブルの 1 つの項目への条件付き書き込みで行う。ノードの認証情報に `dynamodb:GetItem`、"
        "`dynamodb:PutItem`、`dynamodb:DescribeTable` の権限が必要。",
    ),
    params=Params,
    messages=MESSAGES,
    make=DynamoStore,
    warm=lambda params, host, timeout_ms: host.tables.warm(params.region or host.region, timeout_ms),
)
