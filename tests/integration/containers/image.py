"""The image of docker/Dockerfile, built by buildah without a registry and without a network.

The base image, which is Debian's by default, is here this machine's own Debian: its /usr, its packages' list
and its certificates are mounted over an image that is otherwise empty. So what is shown is that the Dockerfile
works with these packages installed; not that a fresh Debian installs them, which config/install_packages.sh
shows where it prepares a machine for these tests. The build stage configures everything, and compiles one
module; the program that it lays out for the image is the one of this build tree, since compiling it again
takes minutes."""

import json
import os
import pathlib
import subprocess

REPOSITORY = pathlib.Path(__file__).parents[3]
BASE = "localhost/debian-of-this-machine"
IMAGE = "localhost/shmconf"
MODULE = "shmconf_hardening"


class Buildah:
    """With images and containers in a folder of its own."""

    def __init__(self, folder):
        self._command = [
            "buildah", "--root", str(folder / "storage"), "--runroot", str(folder / "run"), "--storage-driver", "vfs"
        ]

    def __call__(self, *words):
        done = subprocess.run(
            [*self._command, *words], cwd=REPOSITORY, stdin=subprocess.DEVNULL, capture_output=True, text=True
        )
        assert done.returncode == 0, f"buildah {words}:\n{done.stdout[-8000:]}{done.stderr[-4000:]}"
        return done.stdout.strip()


class Image:
    """Its files are below root; environment, entrypoint, command and user are what a container starts with."""

    def __init__(self, folder):
        self._buildah = Buildah(folder)
        self._make_base()
        self._build()
        self.root = pathlib.Path(self._buildah("mount", self._buildah("from", "--pull-never", IMAGE)))
        config = json.loads(self._buildah("inspect", "--type", "image", IMAGE))["Docker"]["config"]
        self.environment = dict(each.split("=", 1) for each in config["Env"])
        self.entrypoint, self.command = config["Entrypoint"], config["Cmd"]
        self.user = tuple(int(number) for number in config["User"].split(":"))

    def files(self):
        """{path in the image: (mode, owner, group, size)}"""
        found = {}
        for folder, _, names in os.walk(self.root):
            for path in (folder, *(os.path.join(folder, name) for name in names)):
                info = os.lstat(path)
                size = 0 if os.path.isdir(path) else info.st_size
                found["/" + os.path.relpath(path, self.root)] = (info.st_mode, info.st_uid, info.st_gid, size)
        return found

    def _make_base(self):
        container = self._buildah("from", "scratch")
        root = pathlib.Path(self._buildah("mount", container))
        (root / "tmp").mkdir(mode=0o1777)
        for link in ("bin", "sbin", "lib", "lib64"):
            target = pathlib.Path("/", link)
            if target.is_symlink():
                (root / link).symlink_to(target.readlink())
        self._buildah("config", "--env", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", container)
        self._buildah("commit", "--quiet", "--rm", container, BASE)

    def _build(self):
        mounted = {folder: folder for folder in ("/usr", "/etc/alternatives", "/etc/ssl/certs", "/var/lib/dpkg")}
        mounted[os.environ["SHMCONF_BIN"]] = "/build/shmconf"
        words = []
        for source, target in mounted.items():
            words += ["--volume", f"{source}:{target}:ro"]
        for name, value in {"DEBIAN": BASE, "TARGET": MODULE}.items():
            words += ["--build-arg", f"{name}={value}"]
        self._buildah(
            "bud", "--pull-never", "--isolation", "chroot", "--format", "docker", *words,
            "--file", "docker/Dockerfile", "--tag", IMAGE, ".",
        )
