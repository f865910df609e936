"""gunicorn's settings in test_gunicorn.py: each worker writes down what it reads, and when."""

import json
import os
import time


def post_worker_init(worker):
    import app

    log = os.open(os.environ["READINGS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC)

    def write(value, **more):
        line = {"pid": os.getpid(), "value": value, "at": time.monotonic(), **more}
        os.write(log, json.dumps(line).encode() + b"\n")

    before = time.monotonic()
    write(app.config.message, first=time.monotonic() - before)
    app.config.on_change("message", lambda change: write(change.new))
