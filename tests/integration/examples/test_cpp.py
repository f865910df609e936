"""The C++ service: its Values follow their keys, its snapshot is never torn, and Consul may go."""

import base64
import http.client
import json
import os

import pytest
from waiting import eventually

NAME = "cpp-service"
PREFIX = "config/cpp-service/"


def start(place):
    return place.start(lambda port: [os.environ["SHMCONF_EXAMPLE_SERVICE"]], "cpp_service")


@pytest.fixture
def service(place, consul):
    consul.put(PREFIX + "message", "hello from Consul")
    return start(place)


def put_together(consul, values):
    """All of them in one transaction."""
    steps = [
        {"KV": {"Verb": "set", "Key": PREFIX + key, "Value": base64.b64encode(value.encode()).decode()}}
        for key, value in values.items()
    ]
    connection = http.client.HTTPConnection(consul.address, timeout=30)
    connection.request("PUT", "/v1/txn", json.dumps(steps))
    answer = connection.getresponse()
    assert answer.status == 200, answer.read()
    connection.close()


def test_values_follow_their_keys(service, consul):
    assert service.page() == "hello from Consul\n"
    consul.put(PREFIX + "repeat", "3")
    assert eventually(lambda: service.page() == "hello from Consul\n" * 3)
    consul.put(PREFIX + "message", "changed")
    assert eventually(lambda: service.page() == "changed\n" * 3)
    consul.put(PREFIX + "repeat", "many")
    assert eventually(lambda: service.page() == "changed\n"), "what is no number is the fallback"
    consul.delete_below(PREFIX + "message")
    assert eventually(lambda: service.page() == "hello\n")
    assert service.running and service.page("/status") == "live, from consul\n"


def test_a_snapshot_is_one_state(service, consul):
    assert service.page("/database") == "localhost:5432\n"
    seen = set()
    for n in range(200):
        put_together(consul, {"database/host": f"db{n}", "database/port": str(20000 + n)})
        seen.update(service.page("/database") for _ in range(3))
    assert eventually(lambda: service.page("/database") == "db199:20199\n")
    together = {f"db{n}:{20000 + n}\n" for n in range(200)}
    assert seen <= together | {"localhost:5432\n"} and len(seen) > 20, sorted(seen)


def test_consul_stops_half_way(service, place, consul):
    assert service.page() == "hello from Consul\n"
    place.backed_up(NAME)
    consul.kill()
    assert eventually(lambda: service.page("/status") == "stale, from consul\n")
    assert service.page() == "hello from Consul\n"
    place.end()
    again = start(place)
    assert again.page() == "hello from Consul\n"
    assert again.page("/status") == "backup, from backup\n"
