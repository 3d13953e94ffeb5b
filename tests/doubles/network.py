"""A machine's addresses in memory: `komainu.ports.Network` without a kernel."""

import errno
import ipaddress


class FakeNetwork:
    """Devices with their addresses. `fails` is raised by whatever is asked next, and again until it is cleared."""

    def __init__(self, **devices: str) -> None:
        """`FakeNetwork(eth0="10.0.110.100/24")`: each device with its first address."""
        self.devices: dict[str, list[tuple[str, int]]] = {}
        for device, address in devices.items():
            text, _, prefix = address.partition("/")
            self.devices[device] = [(text, int(prefix))]
        self.announced: list[tuple[str, str]] = []
        self.fails: OSError | None = None
        self.log: list[str] = []

    async def device_with(self, address: str) -> str | None:
        self._record("device_with", address)
        return next((device for device, carried in self.devices.items() if _has(carried, address)), None)

    async def device_for(self, address: str) -> str | None:
        self._record("device_for", address)
        wanted = ipaddress.ip_address(address)
        best: tuple[int, str] | None = None
        for device, carried in self.devices.items():
            for text, prefix in carried:
                network = ipaddress.ip_network(f"{text}/{prefix}", strict=False)
                if network.version != wanted.version or prefix == network.max_prefixlen or wanted not in network:
                    continue
                if best is None or prefix > best[0]:
                    best = (prefix, device)
        return None if best is None else best[1]

    async def add_address(self, device: str, address: str, prefix: int) -> None:
        self._record("add_address", device, address, str(prefix))
        if device not in self.devices:
            raise OSError(errno.ENODEV, f"there is no network device {device}")
        if not _has(self.devices[device], address):
            self.devices[device].append((address, prefix))

    async def remove_address(self, address: str) -> None:
        self._record("remove_address", address)
        for device, carried in self.devices.items():
            self.devices[device] = [entry for entry in carried if not _has([entry], address)]

    async def announce(self, device: str, address: str) -> None:
        self._record("announce", device, address)
        if device not in self.devices:
            raise OSError(errno.ENODEV, f"there is no network device {device}")
        self.announced.append((device, address))

    def _record(self, *words: str) -> None:
        self.log.append(" ".join(words))
        if self.fails is not None:
            raise self.fails


def _has(carried: list[tuple[str, int]], address: str) -> bool:
    wanted = ipaddress.ip_address(address)
    return any(ipaddress.ip_address(text) == wanted for text, _ in carried)
