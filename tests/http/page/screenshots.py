"""Makes the README's pictures of the page, of a demo on a real Consul and a real sidecar.

    SHMCONF_BIN=build/test/shmconf SHMCONF_CONSUL=CONSUL python3 tests/http/page/screenshots.py FOLDER

Writes page.png and page-telephone.png there. They look best with the fonts of Debian's fonts-inter and
fonts-jetbrains-mono; `pngquant --ext .png --force FILE` makes them small.
"""

import pathlib
import sys
import time

from browser import Browser
from conftest import Page, Service
from real_consul import RealConsul

KEYS = {
    "demo-config": '{"redis_config": {"redis_host": "127.0.0.1", "redis_port": 6379, "redis_password": "aaaa1111"},'
    ' "show_message": "this is a demo"}',
    "config/common/log/level": "debug",
    "config/common/log/format": "json",
    "config/web/cache/enabled": "true",
    "config/web/cache/ttl_seconds": "60",
    "config/web/database/host": "db-1.internal",
    "config/web/database/password": "correct horse battery staple",
    "config/web/database/pool_size": "24",
    "config/web/database/port": "5432",
    "config/web/features/beta_banner": "on",
    "config/web/features/dark_mode": "true",
    "config/web/redis/host": "10.0.4.12",
    "config/web/redis/token": "8f14e45fceea167a",
    "config/web/welcome": "Grüße, 設定",
}
CHANGES = (
    {"config/common/log/level": "info"},
    {"config/web/redis/host": "10.0.4.17", "config/web/redis/token": "c9f0f895fb98ab91"},
    {"config/web/cache/ttl_seconds": "300"},
    {
        "config/web/database/host": "db-2.internal",
        "config/web/features/checkout_v2/enabled": "true",
        "config/web/features/checkout_v2/percentage": "25",
    },
)


def main(folder):
    with RealConsul() as consul, Browser() as browser:
        consul.put_many(KEYS)
        service = Service(consul, "config/common/", "--prefix", "config/web/", "--key", "demo-config", "--http-values")
        try:
            for change in CHANGES:
                time.sleep(4)  # so that the times differ
                consul.put_many(change)
            page = Page(browser, service).open(width=1280, height=880)
            page.await_(lambda: page.shows("db-2.internal", "checkout_v2/percentage"))
            browser.screenshot(folder / "page.png")
            browser.look(390, 844, "dark", scale=2)
            browser.screenshot(folder / "page-telephone.png")
        finally:
            service.end()


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
