"""Clients of EC2, one for each role: made when they are first needed, and afresh when their credentials are refused."""

import threading
from typing import Any

from botocore.exceptions import NoCredentialsError

from komainu.adapters.aws import connections
from komainu.adapters.aws.attempts import Attempts
from komainu.adapters.aws.clock import ApiClock
from komainu.adapters.aws.roles import with_role
from komainu.adapters.aws.session import client_config, make_session, trust_store

CONNECTIONS = 12
"Calls at the same time: ten ReplaceRoutes of one takeover and a monitor or two."


class Clients:
    """The client of one role (none: the node's own), made when it is first needed; those who share it share this."""

    def __init__(self, region: str | None, endpoint_url: str | None, role: str, clock: ApiClock) -> None:
        self._region = region
        self._endpoint_url = endpoint_url
        self._role = role
        self._making = threading.Lock()
        self.client: Any = None
        self.clock = clock

    def ready(self, attempts: Attempts) -> tuple[Any, bool]:
        """The client, and whether it was made just now; made under a lock: the SDK's sessions know one thread only."""
        client = self.client
        if client is not None:
            return client, False
        with self._making:
            fresh = self.client is None
            if fresh:
                self.client = self._make(attempts)
            return self.client, fresh

    def drop(self, client: Any) -> None:
        """The next one is made afresh, with credentials from where they come from."""
        with self._making:
            if self.client is client:
                self.client = None

    def close(self) -> None:
        """Close idle connections, and use the client no more."""
        client, self.client = self.client, None
        if client is not None:
            client.close()

    def _make(self, attempts: Attempts) -> Any:
        session = make_session(self._region)
        if session.get_credentials() is None:
            # A client made without credentials would stay without them for ever.
            raise NoCredentialsError
        verify = trust_store(session)
        if self._role:
            session = with_role(session, self._role, self._endpoint_url, verify, self.clock)
        client = session.client(
            "ec2", endpoint_url=self._endpoint_url, config=client_config(CONNECTIONS), verify=verify
        )
        attempts.follow(client)
        self.clock.follow(client, "ec2")
        connections.follow(client)
        return client
