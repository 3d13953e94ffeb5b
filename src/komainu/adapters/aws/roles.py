"""A session with the rights of another role: for what another account owns and lets us write (P: shared VPCs)."""

from functools import partial
from typing import Any

import boto3
import botocore.session
from botocore.credentials import AssumeRoleCredentialFetcher, DeferredRefreshableCredentials

from komainu.adapters.aws import connections
from komainu.adapters.aws.clock import ApiClock
from komainu.adapters.aws.session import client_config

SESSION_NAME = "komainu"
"What CloudTrail of the other account shows beside the role."
STS_CONNECTIONS = 1


def with_role(
    session: boto3.Session, role: str, endpoint_url: str | None, verify: str | None, clock: ApiClock
) -> boto3.Session:
    """A session that assumes the role with the credentials of the given one, and renews that before it ends.

    `clock`: by which the request for it is signed, and its end is judged.
    Nothing is sent until its first call. A refusal by STS is then the error of that call: nothing was changed by it.
    """
    core = botocore.session.get_session()
    for variable in ("metadata_service_timeout", "metadata_service_num_attempts", "ec2_metadata_v1_disabled"):
        core.set_config_variable(variable, session._session.get_config_variable(variable))
    # The endpoint of the own region: the global one is in another part of the world, and may be cut off by itself.
    session._session.set_config_variable("sts_regional_endpoints", "regional")
    create = partial(
        session._session.create_client,
        endpoint_url=endpoint_url,
        config=client_config(STS_CONNECTIONS),
        verify=verify,
        region_name=session.region_name,
    )

    def created(*args: Any, **more: Any) -> Any:
        client = create(*args, **more)
        clock.follow(client, "sts")
        connections.follow(client)
        return client

    fetcher = AssumeRoleCredentialFetcher(
        client_creator=created,
        source_credentials=session._session.get_credentials(),
        role_arn=role,
        extra_args={"RoleSessionName": SESSION_NAME},
    )
    core._credentials = DeferredRefreshableCredentials(
        refresh_using=fetcher.fetch_credentials, method="assume-role", time_fetcher=clock.now
    )
    return boto3.Session(botocore_session=core, region_name=session.region_name)
