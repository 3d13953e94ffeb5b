"""Amazon SNS behind the port Topics: one client a region, made when something is published for the first time.

The SDK is loaded in the thread that needs it: a cluster without SNS pays nothing for it, and one that is given SNS
while it runs does not stand still meanwhile.
"""

import asyncio
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from komainu.adapters.aws import connections
from komainu.adapters.aws.pool import Pool

if TYPE_CHECKING:
    from komainu.adapters.aws.clock import ApiClock

CONNECTIONS = 2
"Notifications are few, and wait for each other anyway."


class SnsTopics:
    """`komainu.ports.Topics` on Amazon SNS."""

    def __init__(self, endpoint_url: str | None = None) -> None:
        """`endpoint_url` is for tests against a local server; otherwise the SDK knows the region's endpoint."""
        self._endpoint_url = endpoint_url
        self._pool = Pool("komainu-sns", CONNECTIONS)
        self._making = threading.RLock()
        self._api_clock: ApiClock | None = None
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
        from komainu.adapters.aws import remedy
        from komainu.adapters.aws.faults import cause, cloud_error

        region = topic.split(":")[3]
        told = {name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()}

        def send(sns: Any) -> str:
            answer = sns.publish(TopicArn=topic, Subject=subject, Message=text, MessageAttributes=told)
            return str(answer["MessageId"])

        try:
            return remedy.send(
                send, lambda: self._ready(region), lambda client: self._forget(region, client), self._clock()
            )
        except Exception as error:  # noqa: BLE001 - it is told, whatever it is
            raise cloud_error(error, region) from cause(error)

    def _client(self, region: str) -> Any:
        """The client of a region, made now if there is none."""
        return self._ready(region)[0]

    def _ready(self, region: str) -> tuple[Any, bool]:
        """The client, and whether it was made just now; made under a lock: the SDK's sessions know one thread only."""
        with self._making:
            fresh = region not in self._clients
            if fresh:
                self._clients[region] = self._make_client(region)
            return self._clients[region], fresh

    def _forget(self, region: str, client: Any) -> None:
        """The next one is made afresh: an administrator may have replaced the keys."""
        with self._making:
            if self._clients.get(region) is client:
                del self._clients[region]

    def _clock(self) -> "ApiClock":
        from komainu.adapters.aws.clock import ApiClock

        with self._making:
            if self._api_clock is None:
                self._api_clock = ApiClock()
            return self._api_clock

    def _make_client(self, region: str) -> Any:
        from botocore.exceptions import NoCredentialsError

        from komainu.adapters.aws.session import client_config, make_session, trust_store

        session = make_session(region)
        if session.get_credentials() is None:
            # A client made without credentials would stay without them for ever.
            raise NoCredentialsError
        client = session.client(
            "sns",
            region_name=region,
            endpoint_url=self._endpoint_url,
            config=client_config(CONNECTIONS),
            verify=trust_store(session),
        )
        self._clock().follow(client, "sns")
        connections.follow(client)
        return client
