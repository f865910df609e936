import json
import os

import shmconf

config = shmconf.open()  # the name that `shmconf exec` gives


def app(environ, start_response):
    if environ["PATH_INFO"] == "/status":
        page = json.dumps({"configuration": config.status.verdict, "error": config.status.error})
    else:
        page = f"{config.message} (worker {os.getpid()})"
    start_response("200 OK", [("Content-Type", "text/plain; charset=utf-8")])
    return [page.encode(), b"\n"]
