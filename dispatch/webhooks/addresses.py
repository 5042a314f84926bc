"""Whom a webhook may call: an admin gives the address, yet it must not reach what only this server can reach.

Names are resolved here and the connection goes to the very address that was checked: a name that answers differently
the second time gains nothing. Hosts in WEBHOOK_HOSTS (“erp.internal” or “127.0.0.1:8080”) are exempt, over http too.
"""

import socket
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings

PORTS = {"https": 443, "http": 80}
# Called global, and yet answered by whatever is near: two clouds tell their machines secrets there.
NEARBY: Final = tuple(map(ip_network, ("192.0.0.0/24", "192.88.99.0/24", "168.63.129.16/32")))


class AddressRefused(Exception):
    """Why nothing is sent there, in a sentence."""


@dataclass(frozen=True)
class Target:
    scheme: str
    host: str
    port: int
    path: str  # with the query string

    @property
    def is_exempt(self) -> bool:
        return bool({self.host, self.host_and_port} & set(settings.WEBHOOK_HOSTS))

    @property
    def host_and_port(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def host_header(self) -> str:
        is_usual = self.port == PORTS[self.scheme]
        return self.host_and_port.rsplit(":", 1)[0] if is_usual else self.host_and_port


def target_of(url: str) -> Target:
    """Raises AddressRefused for what cannot be an address of a receiver; the name is not resolved yet."""
    if not url.isascii() or not url.isprintable() or any(bad in url for bad in ' \\"<>'):
        raise AddressRefused("This is not a web address.")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise AddressRefused("This is not a web address.") from None
    if parts.scheme not in PORTS or not parts.hostname:
        raise AddressRefused("Give an address that begins with https://.")
    if "@" in parts.netloc:
        raise AddressRefused("An address with a user or password in it is not called.")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    target = Target(parts.scheme, parts.hostname, PORTS[parts.scheme] if port is None else port, path)
    if target.scheme == "http" and not target.is_exempt:
        raise AddressRefused("Only addresses that begin with https:// are called.")
    if not target.is_exempt and _is_private_by_name(target.host):
        raise AddressRefused(_private(target))
    return target


def _is_private_by_name(host: str) -> bool:
    """As an admin may mistype one; what numbers and names lead to is looked at again with each call."""
    try:
        return not is_public(ip_address(host))
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _private(target: Target) -> str:
    return f"{target.host} is an address of a private network. WEBHOOK_HOSTS may allow it."


def resolve(target: Target) -> str:
    """The address to connect to. Raises AddressRefused if any that the name has is private, OSError if it has none."""
    found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    addresses = list(dict.fromkeys(sockaddr[0] for *_, sockaddr in found))
    if not target.is_exempt and not all(is_public(ip_address(address)) for address in addresses):
        raise AddressRefused(_private(target))
    return addresses[0]


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """False too for IPv6 addresses that lead on to an IPv4 one: where that would end is somebody else's choice."""
    if isinstance(address, IPv6Address) and (address.ipv4_mapped or address.sixtofour or address.teredo):
        return False
    is_local = getattr(address, "is_site_local", False) or any(address in network for network in NEARBY)
    return address.is_global and not (address.is_multicast or address.is_reserved or is_local)
