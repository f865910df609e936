"""Consul configuration at memory speed.

    config = shmconf.launch("web", prefixes=["config/common/", "config/web/"])
    config.redis.host

A configuration is an object: keys are paths, and what lies below a path are the attributes and the
items of a Node, always of the newest generation. Names of its own (get, snapshot, on_change, changes,
wait, status, bind, close) win over keys of the same name, which items read: config["status"].
"""

from ._changes import Change, Changes, Subscription
from ._config import Config, Node, Snapshot
from ._display import to_dict
from ._errors import BindingError, Error, MissingKey
from ._opening import from_dict, launch, open, open_backup
from ._reader import __version__, use_types
from ._status import Role, Status

use_types(Node, MissingKey)

__all__ = [
    "BindingError",
    "Change",
    "Changes",
    "Config",
    "Error",
    "MissingKey",
    "Node",
    "Role",
    "Snapshot",
    "Status",
    "Subscription",
    "__version__",
    "from_dict",
    "launch",
    "open",
    "open_backup",
    "to_dict",
]
