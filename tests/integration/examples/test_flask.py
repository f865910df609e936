"""Flask and Redis: the document in Consul moves message and connection, and Consul may go."""

import json
import sys

import pytest
from place import EXAMPLES
from redis_server import RedisServer
from waiting import eventually

import shmconf

NAME = "flask-redis"
DOCUMENT = (EXAMPLES / "flask_redis" / "demo-config.json").read_text()
PASSWORD = "aaaa1111"
PAGE = "this is a python-consul-redis demo! I have been seen {} times.\n"


@pytest.fixture
def redis_server(tmp_path):
    with RedisServer(tmp_path, PASSWORD) as started:
        yield started


@pytest.fixture
def document(consul, redis_server):
    """put(old, new) changes the text of the document, which is the demo's but for Redis' port."""
    texts = [DOCUMENT.replace("6379", str(redis_server.port))]
    consul.put("demo-config", texts[0])

    def put(old, new):
        assert old in texts[-1]
        texts.append(texts[-1].replace(old, new))
        consul.put("demo-config", texts[-1].encode())
        return json.loads(texts[-1])

    return put


def start(place):
    return place.start(lambda port: [sys.executable, "app.py"], "flask_redis")


@pytest.fixture
def service(place, document):
    return start(place)


@pytest.fixture
def arrival(place, service):
    """Waits until memory holds a document: the service's next request sees it, or never."""
    with shmconf.open(NAME, directory=place.root) as config:

        def arrive(wanted):
            assert eventually(lambda: shmconf.to_dict(config["demo-config"]) == wanted)

        yield arrive


def test_the_document_is_the_one_of_the_demo():
    assert json.loads(DOCUMENT) == {
        "redis_config": {
            "redis_host": "127.0.0.1",
            "redis_port": 6379,
            "redis_db": 0,
            "redis_password": "aaaa1111",
        },
        "show_message": "this is a python-consul-redis demo",
    }


def test_the_page_counts(service, redis_server):
    assert [service.page() for _ in range(3)] == [PAGE.format(n) for n in (1, 2, 3)]
    assert redis_server.client().get("hits") == b"3"
    status = service.status()
    assert (status["configuration"], status["source"], status["error"]) == ("live", "consul", "")


def test_a_message_shows_on_the_next_request(service, document, arrival):
    assert service.page() == PAGE.format(1)
    shown = json.loads(DOCUMENT)["show_message"]
    for n, text in enumerate(("changed", "changed again", "ünï ☃"), start=2):
        arrival(document(shown, text))
        shown = text
        assert service.page() == f"{text}! I have been seen {n} times.\n"
    assert service.running


def test_another_database_moves_the_connection(service, document, arrival, redis_server):
    assert service.page() == PAGE.format(1)
    assert redis_server.databases_of_others() == {0}
    arrival(document('"redis_db": 0', '"redis_db": 3'))
    assert service.page() == PAGE.format(1)
    assert redis_server.client(3).get("hits") == b"1" and redis_server.client(0).get("hits") == b"1"
    assert eventually(lambda: redis_server.databases_of_others() == {3}), "the old connection is left open"
    arrival(document('"redis_db": 3', '"redis_db": 0'))
    assert service.page() == PAGE.format(2)


def test_another_redis_moves_the_connection(service, document, arrival, redis_server, tmp_path):
    folder = tmp_path / "other"
    folder.mkdir()
    with RedisServer(folder, "bbbb2222") as other:
        assert service.page() == PAGE.format(1)
        document(PASSWORD, "bbbb2222")
        arrival(document(str(redis_server.port), str(other.port)))
        assert service.page() == PAGE.format(1)
        assert other.client().get("hits") == b"1"


def test_consul_stops_half_way(service, place, consul):
    assert service.page() == PAGE.format(1)
    place.backed_up(NAME)
    consul.kill()
    assert eventually(lambda: service.status()["configuration"] == "stale")
    assert service.status()["error"]
    assert service.page() == PAGE.format(2)

    # Restarted while Consul is down: nothing of it is left but the backup.
    place.end()
    again = start(place)
    assert again.page() == PAGE.format(3)
    status = again.status()
    assert (status["configuration"], status["source"]) == ("backup", "backup") and status["error"]

    consul.restart()
    consul.put("demo-config", {"redis_config": {}, "show_message": "back"})
    assert eventually(lambda: again.status()["configuration"] == "live")
