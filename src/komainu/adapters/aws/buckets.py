"""Amazon S3 behind the port Buckets: one small object, written under a condition."""

from typing import Any

from komainu.adapters.aws.once import Once
from komainu.ports import CloudError, CloudFault, Held

MOST_BYTES = 65_536
"A record has a few hundred; what is longer is none."


class S3Buckets:
    """`komainu.ports.Buckets` on Amazon S3."""

    def __init__(self, endpoint_url: str | None = None) -> None:
        """`endpoint_url` is for tests against a local server; otherwise the SDK knows the region's endpoint."""
        self._once = Once("s3", endpoint_url, _send_at_once)

    def calls(self) -> dict[str, int]:
        """How many requests were sent so far, by the name of the API's action."""
        return self._once.calls()

    def close(self) -> None:
        """Send nothing more."""
        self._once.close()

    def warm(self, region: str | None, timeout_ms: int) -> None:
        """Get ready, in the background. Nothing is sent."""
        self._once.warm(region, timeout_ms)

    async def get(self, region: str | None, bucket: str, key: str, timeout_ms: int) -> Held:
        """The object, its ETag as the version. S3 reads are strongly consistent."""

        def read(s3: Any) -> tuple[str, bytes]:
            answer = s3.get_object(Bucket=bucket, Key=key)
            body = answer["Body"]
            try:
                return answer["ETag"], body.read(MOST_BYTES + 1)
            finally:
                body.close()

        etag, content = await self._once.call(region, read, timeout_ms)
        if len(content) > MOST_BYTES:
            text = f"the object {key} in {bucket} has more than {MOST_BYTES} bytes: it is no record"
            raise CloudError(CloudFault.REFUSED, "ObjectTooLong", text)
        return Held(etag, content.decode(errors="replace"))

    async def put(
        self, region: str | None, bucket: str, key: str, text: str, version: str | None, timeout_ms: int
    ) -> str:
        """Write the object if it has that ETag, with None if there is none; its new ETag."""
        condition = {"IfNoneMatch": "*"} if version is None else {"IfMatch": version}
        content = {"Body": text.encode(), "ContentType": "application/json", **condition}
        answer = await self._once.call(
            region, lambda s3: s3.put_object(Bucket=bucket, Key=key, **content), timeout_ms, changes=True
        )
        return str(answer["ETag"])

    async def expiring(self, region: str | None, bucket: str, timeout_ms: int) -> tuple[str, ...]:
        """The prefixes of the keys that rules of the bucket's lifecycle delete. A rule for tags is none for us."""

        def read(s3: Any) -> tuple[str, ...]:
            rules = s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
            return tuple(_prefix(rule) for rule in rules if _deletes(rule))

        try:
            return await self._once.call(region, read, timeout_ms)
        except CloudError as error:
            if error.code == "NoSuchLifecycleConfiguration":
                return ()
            raise

    async def replicated(self, region: str | None, bucket: str, timeout_ms: int) -> bool:
        """Does the bucket copy its objects to another one?"""

        def read(s3: Any) -> bool:
            rules = s3.get_bucket_replication(Bucket=bucket)["ReplicationConfiguration"]["Rules"]
            return any(rule.get("Status") == "Enabled" for rule in rules)

        try:
            return await self._once.call(region, read, timeout_ms)
        except CloudError as error:
            if error.code == "ReplicationConfigurationNotFoundError":
                return False
            raise


def _send_at_once(client: Any) -> None:
    """Do not ask before sending the body: it is small, and the question costs a round trip of the takeover."""
    from botocore.handlers import add_expect_header

    client.meta.events.unregister("before-call.s3", add_expect_header)


def _deletes(rule: dict[str, Any]) -> bool:
    tagged = "Tag" in rule.get("Filter", {}) or "Tags" in rule.get("Filter", {}).get("And", {})
    return rule.get("Status") == "Enabled" and bool({"Days", "Date"} & rule.get("Expiration", {}).keys()) and not tagged


def _prefix(rule: dict[str, Any]) -> str:
    chosen = rule.get("Filter", {})
    return str(rule.get("Prefix") or chosen.get("Prefix") or chosen.get("And", {}).get("Prefix") or "")
