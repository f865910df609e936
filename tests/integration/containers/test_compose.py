"""docker/compose.yaml, container by container: real Consul, real Redis, the image, and the Flask example with
the machine's own Flask in the place of its image."""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess

import pytest
from container import Container
from deployment import Compose
from place import EXAMPLES, Service
from redis_server import RedisServer
from waiting import eventually

PAGE = "this is a python-consul-redis demo! I have been seen {} times.\n"
PACKAGE = pathlib.Path(os.environ["PYTHONPATH"].split(":")[0])


@pytest.fixture
def compose(image, tmpfs, volume):
    made = Compose(image)
    made.places.update({
        "configuration": tmpfs(made.tmpfs_options("configuration")),
        # As their images' folders are.
        "state": volume("state", 10001, 10001, 0o700),
        "web-state": volume("web-state", 10002, 10002, 0o700),
    })
    return made


@pytest.fixture
def redis_server(tmp_path, compose):
    password = compose.services["redis"]["command"][-1]
    with RedisServer(tmp_path, password, 6379) as started:
        yield started


@pytest.fixture
def seed(consul, compose, tmp_path):
    """Does what the file says, with Consul's own program, and returns the document that is in Consul then."""
    program = os.environ.get("SHMCONF_CONSUL") or os.environ["SHMCONF_BUILT_CONSUL"]
    (tmp_path / "consul").symlink_to(program)
    address = compose.services["seed"]["environment"]["CONSUL_HTTP_ADDR"].replace("consul", "127.0.0.1")
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", "CONSUL_HTTP_ADDR": address}

    def run():
        for words in (compose.words("seed"), ["consul", "kv", "get", "demo-config"]):
            done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=60)
            assert done.returncode == 0, (words, done.stderr)
        return json.loads(done.stdout)

    return run


@pytest.fixture
def sidecar(image, compose, hosts, tmp_path):
    setting = compose.setting("shmconf", image.root, image.environment, [hosts])
    with Container(setting, compose.words("shmconf"), tmp_path) as started:
        yield started


@pytest.fixture
def flask_root(image, tmp_path):
    """In the place of docker/flask_redis.Dockerfile."""
    root = tmp_path / "flask"
    for folder in ("etc", "package", "srv", "tmp", "usr", "var/lib"):
        (root / folder).mkdir(parents=True)
    for link in ("bin", "sbin", "lib", "lib64"):
        target = pathlib.Path("/", link)
        if target.is_symlink():
            (root / link).symlink_to(target.readlink())
    shutil.copytree(image.root / "opt", root / "opt")
    shutil.copy(EXAMPLES / "flask_redis" / "app.py", root / "srv")
    return root


@pytest.fixture
def serve(compose, flask_root, hosts, tmp_path):
    """serve(name) is (container, service) of what answers on port 5000."""

    def start(name, words):
        environment = {
            "PATH": "/usr/bin", "PYTHONPATH": "/package", "PYTHONDONTWRITEBYTECODE": "1", "FLASK_APP": "/srv/app.py"
        }
        more = [hosts, ("/usr", "/usr", "ro"), (PACKAGE, "/package", "ro")]
        setting = compose.setting(name, flask_root, environment, more)
        container = stack.enter_context(Container(setting, words, tmp_path))
        service = Service(container.process, 5000, container.log_file)
        answers = eventually(lambda: not container.running or service.get("/status")[0])
        assert answers and container.running, container.log()
        return container, service

    with contextlib.ExitStack() as stack:
        yield start


def healthy(container, service):
    kind, *words = service["healthcheck"]["test"]
    assert kind == "CMD"
    return container.execute(words).returncode == 0


def test_the_service_beside_its_sidecar(compose, consul, redis_server, seed, sidecar, serve):
    assert not healthy(sidecar, compose.services["shmconf"]), "there is nothing yet"
    document = seed()
    assert eventually(lambda: healthy(sidecar, compose.services["shmconf"])), sidecar.log()
    # The file leaves the command to the image; this is what docker/flask_redis.Dockerfile says.
    container, web = serve("web", compose.services["web-with-exec"]["command"])
    assert web.page() == PAGE.format(1)
    assert web.status()["configuration"] == "live"
    assert container.status("Uid")[0] == "10002" and container.status("Groups") == ["10001"]

    changed = {**document, "show_message": "changed"}
    consul.put("demo-config", changed)
    assert eventually(lambda: web.page().startswith("changed!")), sidecar.log()
    assert seed() == changed, "the next start of everything undoes it"

    # Without Consul, and without its sidecar, it works on.
    consul.kill()
    assert eventually(lambda: web.status()["configuration"] == "stale")
    sidecar.signal(signal.SIGTERM)
    assert sidecar.end()[0] == 0
    assert web.page().startswith("changed!")


def test_the_service_with_shmconf_as_its_entry_point(compose, redis_server, seed, serve):
    seed()
    container, web = serve("web-with-exec", compose.words("web-with-exec"))
    assert web.page() == PAGE.format(1)
    assert web.status()["configuration"] == "live"
    container.signal(signal.SIGTERM)
    code, seconds = container.end()
    assert code == 128 + signal.SIGTERM and seconds < 5, (code, seconds, container.log())
