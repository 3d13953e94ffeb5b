"""Routes by rtnetlink, in a network namespace of our own."""

import json
import os
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from pyroute2 import IPRoute

from komainu_lab.vpc.netlink import Routes
from komainu_lab.vpc.outside import _new_network
from komainu_lab.vpc.plan import BLACKHOLE, Hop, Key

pytestmark = pytest.mark.lab
VIP: Key = (100, "10.1.0.20/32")
DEFAULT: Key = (300, "0.0.0.0/0")


def inside(work: Callable[[Routes], None]) -> None:
    """Run something in a fresh network namespace with one bridge, 10.0.0.1/24 and 2001:db8::1/64."""

    def body() -> None:
        os.close(_new_network())
        with IPRoute() as ip:
            ip.link("add", ifname="br", kind="bridge")
            (index,) = ip.link_lookup(ifname="br")
            ip.addr("add", index=index, address="10.0.0.1", prefixlen=24)
            ip.addr("add", index=index, address="2001:db8::1", prefixlen=64, flags=0x02)  # nodad
            ip.link("set", index=index, state="up")
        routes = Routes({"br": index, "none": 9999})
        try:
            work(routes)
        finally:
            routes.close()

    with ThreadPoolExecutor(max_workers=1) as thread:
        thread.submit(body).result()


def shown(table: int, family: str = "-4") -> list[dict[str, Any]]:
    command = ["ip", family, "-json", "route", "show", "table", str(table)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=10)
    wanted = ("dst", "gateway", "dev", "type")
    return [{key: route[key] for key in wanted if key in route} for route in json.loads(done.stdout)]


def test_every_kind_of_hop() -> None:
    def work(routes: Routes) -> None:
        routes.change({VIP: Hop("br", "10.0.0.7"), (100, "10.0.0.0/16"): BLACKHOLE, DEFAULT: Hop("br")}, ())
        assert shown(100) == [
            {"type": "blackhole", "dst": "10.0.0.0/16"},
            {"dst": "10.1.0.20", "gateway": "10.0.0.7", "dev": "br"},
        ]
        assert shown(300) == [{"dst": "default", "dev": "br"}]

    inside(work)


def test_a_route_is_replaced_by_another_kind_and_back() -> None:
    def work(routes: Routes) -> None:
        for hop in (Hop("br", "10.0.0.7"), BLACKHOLE, Hop("br", "10.0.0.8"), Hop("br"), Hop("br", "10.0.0.9")):
            routes.change({VIP: hop}, ())
            (route,) = shown(100)
            assert (route.get("gateway", ""), route.get("type") == "blackhole") == (hop.gateway, hop == BLACKHOLE)

    inside(work)


def test_a_route_is_deleted_and_a_second_time_is_no_error() -> None:
    def work(routes: Routes) -> None:
        for hop in (Hop("br", "10.0.0.7"), BLACKHOLE, Hop("br")):
            routes.change({VIP: hop, (100, "10.2.0.0/16"): BLACKHOLE}, ())
            routes.change({}, [VIP])
            assert [route["dst"] for route in shown(100)] == ["10.2.0.0/16"]
            routes.change({}, [VIP])

    inside(work)


def test_a_refusal_is_told_and_the_rest_is_done() -> None:
    def work(routes: Routes) -> None:
        with pytest.raises(OSError, match="a route was refused"):
            routes.change({VIP: Hop("none", "10.0.0.7"), DEFAULT: Hop("br")}, ())
        assert shown(100) == []
        assert len(shown(300)) == 1
        routes.change({VIP: Hop("br", "10.0.0.7")}, ())
        assert len(shown(100)) == 1

    inside(work)


def test_nothing_to_do_asks_nothing() -> None:
    inside(lambda routes: routes.change({}, ()))


def test_ipv6_in_every_kind_of_hop_and_back() -> None:
    vip = (100, "2001:db8:1::20/128")

    def work(routes: Routes) -> None:
        routes.change({(100, "::/0"): BLACKHOLE, (100, "2001:db8::/64"): Hop("br"), VIP: BLACKHOLE}, ())
        for hop in (Hop("br", "2001:db8::7"), BLACKHOLE, Hop("br", "2001:db8::8"), Hop("br"), Hop("br", "2001:db8::9")):
            routes.change({vip: hop}, ())
            found = {route["dst"]: route for route in shown(100, "-6")}
            assert found.keys() == {"default", "2001:db8::/64", "2001:db8:1::20"}
            route = found["2001:db8:1::20"]
            assert (route.get("gateway", ""), route.get("type") == "blackhole") == (hop.gateway, hop == BLACKHOLE)
        routes.change({}, [vip])
        routes.change({}, [vip])
        assert {route["dst"] for route in shown(100, "-6")} == {"default", "2001:db8::/64"}
        assert [route["dst"] for route in shown(100)] == ["10.1.0.20"]

    inside(work)
