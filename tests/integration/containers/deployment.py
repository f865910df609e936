"""What compose.yaml and kubernetes.yaml say of their containers, as an engine would start them."""

import pathlib
import re

import yaml
from container import Setting

FOLDER = pathlib.Path(__file__).parents[3] / "docker"


class Compose:
    """places is {volume: folder}, and the caller's to fill."""

    def __init__(self, image):
        self._image = image
        self.places = {}
        self._file = yaml.safe_load((FOLDER / "compose.yaml").read_text())

    @property
    def services(self):
        return self._file["services"]

    def tmpfs_options(self, volume):
        options = self._file["volumes"][volume]["driver_opts"]
        assert options["type"] == "tmpfs"
        return options["o"]

    def words(self, name):
        """Its command line, with the entry point of the image where it has none of its own."""
        service = self.services[name]
        words = [*service.get("entrypoint", self._image.entrypoint), *service["command"]]
        return [word.replace("$$", "$") for word in words]  # compose's own escape

    def setting(self, name, root, environment, more=()):
        service = self.services[name]
        assert service["read_only"] and service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        mounts = [*more]
        for volume in service["volumes"]:
            source, target, mode = (volume.split(":") + ["rw"])[:3]
            mounts.append((self.places[source], target, mode))
        user = tuple(map(int, service["user"].split(":"))) if "user" in service else self._image.user
        return Setting(
            root, user, tuple(map(int, service.get("group_add", ()))),
            {**environment, **service.get("environment", {})}, mounts,
        )


class Pod:
    """Of the Deployment. fields: what fieldRef finds; places is {volume: folder}, and the caller's to fill."""

    def __init__(self, image, fields):
        self._image = image
        self.places = {}
        self._fields = fields
        documents = list(yaml.safe_load_all((FOLDER / "kubernetes.yaml").read_text()))
        self.secret = next(each for each in documents if each["kind"] == "Secret")
        deployment = next(each for each in documents if each["kind"] == "Deployment")
        self.spec = deployment["spec"]["template"]["spec"]

    def container(self, name):
        return next(each for each in (*self.spec["initContainers"], *self.spec["containers"]) if each["name"] == name)

    def volume(self, name):
        return next(each for each in self.spec["volumes"] if each["name"] == name)

    @property
    def group(self):
        return self.spec["securityContext"]["fsGroup"]

    def words(self, name):
        container = self.container(name)
        return [*container.get("command", self._image.entrypoint), *container["args"]]

    def setting(self, name, more=()):
        container = self.container(name)
        security = container["securityContext"]
        assert security["capabilities"] == {"drop": ["ALL"]} and security["allowPrivilegeEscalation"] is False
        mounts = [*more]
        for mount in container["volumeMounts"]:
            mode = "ro" if mount.get("readOnly") else "rw"
            mounts.append((self.places[mount["name"]], mount["mountPath"], mode))
        environment = dict(self._image.environment)
        for variable in container["env"]:
            value = variable.get("value")
            if value is None:
                value = self._fields[variable["valueFrom"]["fieldRef"]["fieldPath"]]
            environment[variable["name"]] = re.sub(r"\$\((\w+)\)", lambda found: environment[found[1]], value)
        user = (security["runAsUser"], security["runAsGroup"])
        return Setting(self._image.root, user, (self.group,), environment, mounts)
