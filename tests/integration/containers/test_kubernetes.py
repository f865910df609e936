"""docker/kubernetes.yaml: its sidecar and its probes, and a reader in the place of its service."""

import signal

import pytest
from container import Container, output_of
from deployment import Pod
from waiting import eventually


@pytest.fixture
def pod(image, tmpfs, volume):
    made = Pod(image, {"status.hostIP": "127.0.0.1"})
    configuration = made.volume("configuration")["emptyDir"]
    assert configuration["medium"] == "Memory"
    size = configuration["sizeLimit"].removesuffix("i")
    made.places.update({
        # As a kubelet makes them for an fsGroup.
        "configuration": tmpfs(f"size={size},mode=2777,gid={made.group}"),
        "state": volume("state", 0, made.group, 0o2777),
        "consul-token": secret(made, volume),
    })
    return made


def secret(pod, volume):
    """Files behind a link that is replaced as a whole, which is how secrets rotate."""
    source = pod.volume("consul-token")["secret"]
    assert source["secretName"] == pod.secret["metadata"]["name"]
    folder = volume("token", 0, pod.group, 0o2777)
    version = folder / "..2026_01_01"
    version.mkdir()
    for name, text in pod.secret["stringData"].items():
        (version / name).write_text(text)
        (version / name).chmod(source["defaultMode"])
        (folder / name).symlink_to(f"..data/{name}")
    (folder / "..data").symlink_to(version.name)
    return folder


def probe(container, description):
    return container.execute(description["exec"]["command"])


def test_the_sidecar_its_probes_and_its_service(pod, image, consul, tmp_path):
    described = pod.container("shmconf")
    assert described["restartPolicy"] == "Always" and described in pod.spec["initContainers"]
    assert pod.spec["securityContext"]["runAsNonRoot"] and described["securityContext"]["readOnlyRootFilesystem"]
    with Container(pod.setting("shmconf"), pod.words("shmconf"), tmp_path) as sidecar:
        early = probe(sidecar, described["startupProbe"])
        assert early.returncode == 1 and "timed out" in early.stderr, early
        consul.put("config/web/a", "1")
        for name in ("startupProbe", "readinessProbe"):
            assert eventually(lambda name=name: probe(sidecar, described[name]).returncode == 0), sidecar.log()
        assert eventually((tmp_path / "state" / "web.snapshot").exists), sidecar.log()

        web = pod.setting("web")
        assert web.user != image.user
        assert output_of(web, ["/opt/shmconf/bin/shmconf", "get", "a"], tmp_path) == (0, "1\n")

        consul.kill()
        assert probe(sidecar, described["readinessProbe"]).returncode == 0, "a stale configuration is one"
        sidecar.signal(signal.SIGTERM)
        assert sidecar.end()[0] == 0


def test_a_token_that_cannot_be_read_is_told(pod, tmp_path):
    (pod.places["consul-token"] / "token").unlink()
    code, log = output_of(pod.setting("shmconf"), pod.words("shmconf"), tmp_path)
    assert code == 2 and "/run/secrets/consul/token" in log
