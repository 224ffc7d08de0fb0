"""Where webhooks may go: judged by the form of a URL, and by the kind of an address."""

from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shakerqueue.webhook_targets import TargetRefused, check_url, is_allowed

PUBLIC = ["8.8.8.8", "1.1.1.1", "100.63.255.255", "100.128.0.0", "2606:4700::1111", "2a00:1450::1", "::ffff:8.8.8.8"]
PRIVATE = [
    "127.0.0.1",
    "127.255.255.254",
    "10.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "::1",
    "fc00::1",
    "fdff::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
]
NOWHERE = {
    "unspecified": ["0.0.0.0", "0.1.2.3", "::", "::ffff:0.0.0.0"],  # noqa: S104
    "shared by a carrier's customers": ["100.64.0.1", "100.127.255.255"],
    "link-local": ["169.254.169.254", "fe80::1", "::ffff:169.254.169.254"],
    "site-local": ["fec0::1"],
    "with a scope": ["fe80::1%eth0", "2606:4700::1111%1", "::1%lo"],
    "multicast": ["224.0.0.1", "239.1.1.1", "232.1.2.3", "ff02::1", "ff0e::1", "ff1e::1", "::ffff:224.0.0.1"],
    "reserved": ["240.0.0.1", "255.255.255.255", "4000::1", "5f00::1", "e000::1"],
    "protocol assignments": ["192.0.0.1", "192.0.0.9", "192.0.0.10", "192.0.0.170", "2001:1::1", "2001:20::1"],
    "documentation": ["192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1", "3fff::1"],
    "benchmarks": ["198.18.0.1", "198.19.255.255", "2001:2::1"],
    "discarded": ["100::1", "100:0:0:1::1"],
    "NAT64": ["64:ff9b::8.8.8.8", "64:ff9b::10.0.0.1", "64:ff9b:1::1", "64:ff9b:1:ffff::1"],
    "6to4": ["2002::1", "2002:7f00:1::", "2002:808:808::1", "192.88.99.1"],
    "Teredo": ["2001::1", "2001:0:7f00:1::"],
    "IPv4 inside IPv6": ["::127.0.0.1", "::8.8.8.8", "::ffff:0:127.0.0.1"],
}
FORBIDDEN = [pytest.param(address, id=f"{kind}: {address}") for kind, all_of in NOWHERE.items() for address in all_of]


@pytest.mark.parametrize("allow_private", [False, True])
@pytest.mark.parametrize("address", PUBLIC)
def test_sec_17_addresses_of_the_internet_are_always_allowed(address: str, allow_private: bool) -> None:
    assert is_allowed(ip_address(address), allow_private=allow_private)


@pytest.mark.parametrize("address", PRIVATE)
def test_sec_17_private_addresses_are_for_development(address: str) -> None:
    assert not is_allowed(ip_address(address), allow_private=False)
    assert is_allowed(ip_address(address), allow_private=True)


@pytest.mark.parametrize("allow_private", [False, True])
@pytest.mark.parametrize("address", FORBIDDEN)
def test_sec_17_all_other_addresses_are_never_allowed(address: str, allow_private: bool) -> None:
    assert not is_allowed(ip_address(address), allow_private=allow_private)


@given(st.ip_addresses(v=4))
def test_sec_17_an_ipv4_address_is_judged_alike_inside_ipv6(address: IPv4Address) -> None:
    mapped = IPv6Address(f"::ffff:{address}")
    assert is_allowed(address, allow_private=False) == is_allowed(mapped, allow_private=False)


@given(st.ip_addresses())
def test_sec_17_no_address_is_allowed_that_python_calls_private(address: IPv4Address | IPv6Address) -> None:
    judged = getattr(address, "ipv4_mapped", None) or address
    special = judged.is_private or judged.is_multicast or judged.is_reserved or judged.is_link_local
    assert not (special and is_allowed(address, allow_private=False))


@pytest.mark.parametrize(
    "url",
    [
        "https://pos.example",
        "https://pos.example/hooks/orders?key=a&b=%20;c=d",
        "HTTPS://POS.EXAMPLE:8443/",
        "https://xn--bcher-kva.example/",
        "https://pos_1.example:1/",
        "https://1password.example:65535/",
        "https://8.8.8.8/",
        "https://134744072/",
        "https://[2606:4700::1111]:8443/hook",
        "https://0x7f.1.example/",
        "https://pos.example/" + "a" * 1980,
    ],
)
def test_sec_17_an_https_url_of_a_public_host_is_taken(url: str) -> None:
    check_url(url, allow_private=False)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://pos.example/", "https://"),
        ("ftp://pos.example/", "https://"),
        ("file:///etc/passwd", "https://"),
        ("gopher://pos.example/", "https://"),
        ("//pos.example/", "https://"),
        ("pos.example/hook", "https://"),
        ("javascript:alert(1)", "https://"),
        ("", "https://"),
        ("https://", "a host"),
        ("https:///hook", "a host"),
        ("https:pos.example", "a host"),
        ("https://:443/", "a host"),
        ("https://user@pos.example/", "user name"),
        ("https://user:secret@pos.example/", "user name"),
        ("https://@pos.example/", "user name"),
        ("https://pos.example\\@127.0.0.1/", "user name"),
        ("https://127.0.0.1\\.pos.example/", "a host"),
        ("https://pos.example/#part", "fragment"),
        ("https://pos.example/#", "fragment"),
        ("https://pos.example/a b", "ASCII"),
        ("https://pos.example/\r\nhost:x", "ASCII"),
        ("https://pos.example/\x00", "ASCII"),
        ("https://bücher.example/", "xn--"),
        ("https://pos\uff0eexample/", "ASCII"),
        ("https://pos.example/" + "a" * 1981, "2000"),
        ("https://pos.example:0/", "port"),
        ("https://pos.example:65536/", "port"),
        ("https://pos.example:-1/", "port"),
        ("https://pos.example:http/", "port"),
        ("https://pos.example:/", "port"),
        ("https://pos..example/", "name"),
        ("https://.pos.example/", "name"),
        ("https://pos.example./", "name"),
        ("https://-pos.example/", "name"),
        ("https://" + "a" * 64 + ".example/", "name"),
        ("https://" + "a." * 127 + "example/", "name"),
        ("https://%31%32%37.0.0.1/", "a host"),
        ("https://[::1/", "not a URL"),
        ("https://[::1]pos.example/", "host|URL"),
        ("https://[pos.example]/", "host|URL"),
        ("https://[1::2::3]/", "host|URL"),
        ("https://[v1.a]/", "host|URL"),
        ("https://1.2.3.4.5/", "IPv4"),
        ("https://256.256.256.256/", "IPv4"),
        ("https://pos.1/", "IPv4"),
        ("https://pos.0x/", "IPv4"),
    ],
)
def test_sec_17_a_url_of_another_form_is_refused_with_its_reason(url: str, reason: str) -> None:
    with pytest.raises(TargetRefused, match=reason):
        check_url(url, allow_private=False)


LOCAL_HOSTS = [
    "127.0.0.1",
    "127.1",
    "127.0.1",
    "2130706433",
    "0x7f000001",
    "0X7F.1",
    "0x7f.0x0.0x0.0x1",
    "0177.0.0.1",
    "017700000001",
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
]
METADATA_HOSTS = ["169.254.169.254", "2852039166", "0xa9fea9fe", "[::ffff:169.254.169.254]", "[fe80::a9fe:a9fe]"]
UNSPECIFIED_HOSTS = ["0", "0.0.0.0", "0x0", "[::]", "[::0.0.0.0]"]  # noqa: S104


@pytest.mark.parametrize(
    "host", LOCAL_HOSTS + METADATA_HOSTS + UNSPECIFIED_HOSTS + ["10.1", "192.168.257", "[ff02::1]"]
)
def test_sec_17_an_address_in_a_url_is_judged_in_whatever_form_it_is_written(host: str) -> None:
    with pytest.raises(TargetRefused, match="public Internet"):
        check_url(f"https://{host}:8443/hook", allow_private=False)


@pytest.mark.parametrize("host", [*LOCAL_HOSTS, "10.1", "localhost", "receiver"])
def test_sec_17_development_may_call_this_machine_without_tls(host: str) -> None:
    check_url(f"http://{host}:8080/hook", allow_private=True)


@pytest.mark.parametrize("host", METADATA_HOSTS + UNSPECIFIED_HOSTS)
def test_sec_17_development_may_not_call_what_is_no_private_network(host: str) -> None:
    with pytest.raises(TargetRefused, match="public Internet"):
        check_url(f"http://{host}/", allow_private=True)


@given(st.text() | st.text(st.characters(codec="ascii")).map("https://".__add__))
def test_sec_17_no_text_is_more_than_refused(url: str) -> None:
    with suppress(TargetRefused):
        check_url(url, allow_private=False)
