"""The conversations in a VPC: normal traffic and attacks. The same seed gives the same conversations."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from overlay.traffic.network import Network

ATTACKER = "198.51.100.66"
TCP, UDP = 6, 17
_DNS, _NTP, _S3, _MIRROR = "192.0.2.53", "192.0.2.123", "52.216.8.10", "2001:db8:20::80"
_SCANS_PER_MINUTE = 30
_LOGINS_PER_MINUTE = 12
_UPLOADS_PER_MINUTE = 12
_UPLOAD_MINUTES = 3
_UPLOAD_BYTES = (61_000_000, 75_000_000)
_SWEPT_PORT = 8443
_SWEPT_HOSTS = 60
_MINUTE = 60
_FILE = 5 * _MINUTE


@dataclass(frozen=True)
class Conversation:
    """Packets between two addresses from ``begin`` to ``end`` (epoch seconds); a rejected one has no answer."""

    begin: float
    end: float
    client: str
    server: str
    client_port: int
    server_port: int
    protocol: int
    client_packets: int
    client_bytes: int
    server_packets: int = 0
    server_bytes: int = 0
    accepted: bool = True
    server_service: str | None = None


Span = tuple[float, float]


def conversations(scenario: str, network: Network, span: Span, seed: int) -> list[Conversation]:
    """The conversations of a scenario within ``span``."""
    found: list[Conversation] = []
    for name in _SCENARIOS[scenario]:
        found += _PARTS[name](network, span, random.Random(f"{seed}/{name}"))
    return sorted(found, key=lambda conversation: conversation.begin)


def _times(span: Span, per_minute: float, rng: random.Random) -> Iterator[float]:
    """Evenly spread, each a little off."""
    begin, end = span
    step = _MINUTE / per_minute
    count = int((end - begin) / step)
    for index in range(count):
        yield begin + (index + rng.random() * 0.9) * step


def _ephemeral(rng: random.Random) -> int:
    return rng.randint(32768, 60999)


def _exchange(
    at: float, span: Span, rng: random.Random, client: str, server: str, port: int, protocol: int = TCP,
    sent: tuple[int, int] = (400, 2_000), received: tuple[int, int] = (2_000, 60_000), client_port: int | None = None,
    **more,
) -> Conversation:
    """An accepted conversation of a few seconds."""
    sent_bytes, received_bytes = rng.randint(*sent), rng.randint(*received)
    least = 1 if protocol == UDP else 5
    return Conversation(
        at, min(at + rng.uniform(0, 8), span[1]), client, server, client_port or _ephemeral(rng), port, protocol,
        max(least, sent_bytes // 800), sent_bytes, max(least, received_bytes // 1_200), received_bytes, **more,
    )


def _normal(network: Network, span: Span, rng: random.Random) -> Iterator[Conversation]:
    web, app, database, worker = (network.address(role) for role in ("web", "app", "database", "worker"))
    for at in _times(span, 4, rng):
        yield _exchange(at, span, rng, f"203.0.113.{rng.randint(1, 60)}", web, 443)
    for at in _times(span, 2, rng):
        yield _exchange(at, span, rng, web, app, 8080)
        yield _exchange(at, span, rng, app, database, 5432, received=(500, 8_000))
    for at in _times(span, 1, rng):
        yield _exchange(at, span, rng, worker, _DNS, 53, UDP, (60, 80), (120, 400))
        # Scanners of the internet pass by.
        yield Conversation(at, at, f"192.0.2.{rng.randint(200, 250)}", web, _ephemeral(rng),
                           rng.choice((8081, 5060, 60023, 4567)), rng.choice((TCP, UDP)), 1, 44, accepted=False)
    for at in _times(span, 0.5, rng):
        yield _exchange(at, span, rng, app, _S3, 443, sent=(5_000, 900_000), server_service="S3")
    for at in _times(span, 0.2, rng):
        yield _exchange(at, span, rng, worker, _NTP, 123, UDP, (76, 76), (76, 76), client_port=123)
        yield _exchange(at, span, rng, network.by_role["worker"].ipv6_address, _MIRROR, 443)


def _port_scan(network: Network, span: Span, rng: random.Random) -> Iterator[Conversation]:
    """One port after the other of one host, whose security group rejects all of them but HTTPS."""
    ports = list(range(1, 10_000))
    rng.shuffle(ports)
    for port, at in zip([443, *ports], _times(span, _SCANS_PER_MINUTE, rng)):
        accepted = port == 443
        answer = {"server_packets": 1, "server_bytes": 44} if accepted else {}
        yield Conversation(at, at, ATTACKER, network.address("web"), 45_000 + port % 1_000, port, TCP, 1, 44,
                           accepted=accepted, **answer)


def _exfiltration(network: Network, span: Span, rng: random.Random) -> Iterator[Conversation]:
    """One host uploads to one public address during the last whole minutes, each flow within one minute."""
    newest = int(span[1] // _MINUTE) * _MINUTE
    for number in range(_UPLOAD_MINUTES):
        minute = newest - (number + 1) * _MINUTE
        if minute < span[0]:
            return
        for _ in range(_UPLOADS_PER_MINUTE):
            size = rng.randint(*_UPLOAD_BYTES)
            begin = minute + rng.uniform(1, 10)
            yield Conversation(begin, begin + rng.uniform(20, 45), network.address("app"), ATTACKER, _ephemeral(rng),
                               443, TCP, size // 1_400, size, size // 60_000, size // 1_500)


def _brute_force(network: Network, span: Span, rng: random.Random) -> Iterator[Conversation]:
    """Logins on SSH: two of three are rejected, the others get as far as a password."""
    bastion = network.address("bastion")
    for number, at in enumerate(_times(span, _LOGINS_PER_MINUTE, rng)):
        port = _ephemeral(rng)
        if number % 3:
            yield Conversation(at, at, ATTACKER, bastion, port, 22, TCP, 1, 60, accepted=False)
        else:
            yield Conversation(at, min(at + 3, span[1]), ATTACKER, bastion, port, 22, TCP, 14, 2_460, 16, 3_120)


def _sweep(network: Network, span: Span, rng: random.Random) -> Iterator[Conversation]:
    """One port of many hosts, once each, within one file: no interface sees more than one packet of it."""
    begin = int(span[1] // _FILE) * _FILE - _FILE
    for number, interface in enumerate(network.others[-_SWEPT_HOSTS:]):
        at = begin + 10 + number
        yield Conversation(at, at, ATTACKER, interface.address, _ephemeral(rng), _SWEPT_PORT, TCP, 1, 44, accepted=False)


_PARTS: dict[str, Callable[[Network, Span, random.Random], Iterator[Conversation]]] = {
    "normal": _normal, "port-scan": _port_scan, "exfiltration": _exfiltration, "brute-force": _brute_force,
    "sweep": _sweep,
}
_SCENARIOS = {
    **{name: (name,) for name in _PARTS}, "quiet": (), "attack": ("normal", "port-scan", "exfiltration", "brute-force"),
}
NAMES = tuple(_SCENARIOS)


def hosts(scenario: str) -> int:
    """The number of hosts that a scenario needs besides those with a role."""
    return _SWEPT_HOSTS if scenario == "sweep" else 0
