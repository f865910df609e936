import functools
import os
import time

import redis
import shmconf
from flask import Flask

if "SHMCONF_NAME" in os.environ:  # beside a sidecar: a container's, or that of `shmconf exec`
    config = shmconf.open()
else:
    config = shmconf.launch("flask-redis", keys="demo-config")

app = Flask(__name__)


@functools.lru_cache(maxsize=1)  # other settings are another connection
def connect(host, port, db, password):
    return redis.Redis(host=host, port=port, db=db, password=password)


def cache():
    with config.snapshot() as now:
        settings = now["demo-config"].redis_config
        return connect(settings.redis_host, settings.redis_port, settings.redis_db, settings.redis_password)


def get_hit_count():
    retries = 5
    while True:
        try:
            return cache().incr('hits')
        except redis.exceptions.ConnectionError as exc:
            if retries == 0:
                raise exc
            retries -= 1
            time.sleep(0.5)


@app.route('/')
def hello():
    count = get_hit_count()
    return '{}! I have been seen {} times.\n'.format(config["demo-config"].show_message, count)


@app.route('/status')
def status():
    now = config.status
    return {"configuration": now.verdict, "source": now.source, "age": now.age, "error": now.error}


if __name__ == "__main__":
    app.run(port=int(os.environ.get("PORT", 5000)))
