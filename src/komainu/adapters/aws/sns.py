"""Amazon SNS behind the port Topics: one client a region, made when something is published for the first time.

The SDK is loaded in the thread that needs it: a cluster without SNS pays nothing for it, and one that is given SNS
while it runs does not stand still meanwhile.
"""

import asyncio
import threading
from collections.abc import Mapping
from typing import Any

from komainu.adapters.aws.pool import Pool

CONNECTIONS = 2
"Notifications are few, and wait for each other anyway."


class SnsTopics:
    """`komainu.ports.Topics` on Amazon SNS."""

    def __init__(self, endpoint_url: str | None = None) -> None:
        """`endpoint_url` is for tests against a local server; otherwise the SDK knows the region's endpoint."""
        self._endpoint_url = endpoint_url
        self._pool = Pool("komainu-sns", CONNECTIONS)
        self._making = threading.Lock()
        self._clients: dict[str, Any] = {}

    async def publish(self, topic: str, subject: str, text: str, attributes: Mapping[str, str], timeout_ms: int) -> str:
        """Publish to the topic of that ARN. Raises CloudError."""
        answer = asyncio.wrap_future(self._pool.submit(lambda: self._publish(topic, subject, text, attributes)))
        try:
            return await asyncio.wait_for(answer, timeout_ms / 1000)
        except TimeoutError:
            from komainu.adapters.aws.faults import deadline_passed

            raise deadline_passed(timeout_ms, may_have_arrived=True) from None

    def close(self) -> None:
        """Publish nothing more. A call that hangs is left to its thread, which does not outlive the process."""
        self._pool.close()
        clients, self._clients = self._clients, {}
        for client in clients.values():
            client.close()

    def _publish(self, topic: str, subject: str, text: str, attributes: Mapping[str, str]) -> str:
        """In a thread."""
        from komainu.adapters.aws.faults import STALE_CREDENTIALS, cloud_error

        region = topic.split(":")[3]
        told = {name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()}
        try:
            answer = self._client(region).publish(TopicArn=topic, Subject=subject, Message=text, MessageAttributes=told)
            return str(answer["MessageId"])
        except Exception as error:
            found = cloud_error(error, region)
            if found.code in STALE_CREDENTIALS:
                self._clients.pop(region, None)  # an administrator may have replaced the keys
            raise found from error

    def _client(self, region: str) -> Any:
        """The client of a region; made under a lock, because the SDK's sessions are not made for several threads."""
        with self._making:
            if region not in self._clients:
                self._clients[region] = self._make_client(region)
            return self._clients[region]

    def _make_client(self, region: str) -> Any:
        from botocore.exceptions import NoCredentialsError

        from komainu.adapters.aws.session import client_config, make_session, trust_store

        session = make_session(region)
        if session.get_credentials() is None:
            # A client made without credentials would stay without them for ever.
            raise NoCredentialsError
        return session.client(
            "sns",
            region_name=region,
            endpoint_url=self._endpoint_url,
            config=client_config(CONNECTIONS),
            verify=trust_store(session),
        )
