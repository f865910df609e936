"""What the page shows, to whom, and what it never does."""

import json
import pathlib

import pytest
from conftest import Service
from real_consul import RealConsul
from waiting import eventually

CONTRAST = (pathlib.Path(__file__).parent / "contrast.js").read_text()
HOSTILE = '<script>window.hacked = 1</script><img src=x onerror="window.hacked = 1">'
SECRETS = ("hunter1", "hunter2", "hunter3")


@pytest.fixture(scope="module")
def service(consul):
    """Of everything something, and values are shown."""
    keys = {
        "redis/host": "10.0.0.1",
        "redis/password": "hunter1",
        "document": json.dumps({"host": "h", "password": "hunter1"}),
        "hostile": HOSTILE,
        "hostile<svg onload=window.hacked=1>/a": HOSTILE,
        "huge": "x" * 15_000,
        "larger": "y" * 400_000,
        "binary": b"\xff\x00\xfe",
        "empty": "",
        "unbroken" * 30: "unbroken" * 30,
        "/".join("abcdefghijklmnopqrstuvwxyz") + "/deep": "down",
        "a//b": "nameless folder",
    }
    keys.update({f"many/{n:05}": f"value {n}" for n in range(5000)})
    larger = keys.pop("larger")  # alone, since transactions are limited in size
    consul.put("page/full/larger", larger)
    consul.put_many({"page/full/" + key: value for key, value in keys.items()})
    started = Service(consul, "page/full/", "--http-values")
    yield started
    started.end()


@pytest.fixture(scope="module")
def closed(consul):
    """Without values, and at first without keys."""
    started = Service(consul, "page/closed/", "--allow-empty")
    yield started
    started.end()


def test_a_change_appears_without_reloading(service, open_page):
    page = open_page(service)
    assert page.text("verdict-word") == "Live" and page.text("name") == "web"
    assert page.run("return document.title") == "Live · web · shmconf"
    page.await_(lambda: page.shows("5,012"))
    page.search("redis/")
    page.await_(lambda: page.shows("10.0.0.1"))
    page.search("")
    page.run("window.isTheSame = true")
    service.put("redis/host", "10.0.0.2")
    page.await_(lambda: page.run("return document.querySelector('.timeline del')?.textContent") == "10.0.0.1")
    assert page.run("return document.querySelector('.timeline ins').textContent") == "10.0.0.2"
    assert page.run("return document.querySelector('.timeline .when').textContent").endswith("s"), "how long it took"
    page.search("redis/host")
    page.await_(lambda: page.run("return document.querySelector('.tree .value').textContent") == "10.0.0.2")
    service.put("redis/host", "10.0.0.3")
    page.await_(lambda: page.run("return document.querySelector('.tree .value').textContent") == "10.0.0.3")
    assert page.run("return window.isTheSame") is True


def test_secrets_stay_masked(service, open_page):
    page = open_page(service)
    page.search("redis/password")
    page.await_(lambda: page.count(".tree .masked") == 1)
    page.search("document")
    page.await_(lambda: page.shows('"password": "***"'))
    service.put("redis/password", "hunter2")
    page.await_(lambda: page.count(".timeline .masked") == 2)
    service.put("document", json.dumps({"host": "h2", "password": "hunter3"}))
    page.await_(lambda: page.count(".timeline .masked") == 2 and page.shows('"host": "h2"'))
    everything = page.run("return document.documentElement.outerHTML")
    everything += "".join(str(service.asked("/api/" + what)[1]) for what in ("state", "tree", "history"))
    assert not any(secret in everything for secret in SECRETS)


def test_nothing_runs_what_a_value_says(service, open_page):
    page = open_page(service)
    page.search("onerror")  # through the marking, too
    page.await_(lambda: page.count(".tree mark") >= 2)
    service.put("hostile", HOSTILE + "2")
    page.await_(lambda: page.count(".timeline del") >= 1 and page.shows(HOSTILE + "2"))
    page.search("")
    page.click("open-all")
    assert page.count("img, svg, iframe, script:not([src])") == 0
    assert page.run("return window.hacked") is None
    assert "window.hacked" not in page.run("return [...document.querySelectorAll('*')].flatMap(e => e.getAttributeNames())")


def test_the_policy_lets_no_other_script_run(service, open_page):
    page = open_page(service)
    page.run(
        "const script = document.createElement('script'); script.textContent = 'window.hacked = 1';"
        "document.body.append(script); document.body.insertAdjacentHTML('beforeend', arguments[0]);",
        HOSTILE,
    )
    assert page.run("return window.hacked") is None
    refused = [message for message in page.browser.complaints() if "Content Security Policy" in message]
    assert len(refused) >= 2, refused
    page.browser.requests()  # the image's, which is refused before it is sent


def test_a_configuration_of_thousands(service, open_page):
    page = open_page(service)
    page.await_(lambda: page.shows("many/"))
    assert page.count(".tree li") < 100, "closed where there is too much to see"
    page.click("open-all")
    assert page.shows("Show 200 of 4,800 more", "value 199") and not page.shows("value 200")
    page.run("document.querySelector('.rest button').click()")
    assert page.shows("value 399", "Show 200 of 4,600 more")
    page.search("MANY 4321")
    assert page.text("found") == "1 key found" and page.shows("value 4321")
    assert page.run("return [...document.querySelectorAll('.tree mark')].map(e => e.textContent)") == ["many", "4321", "4321"]
    page.search("value")
    assert page.text("found") == "5,000 keys found, the first 200 are shown"
    page.search("nothing like it")
    assert page.text("found") == "0 keys found" and page.count(".tree li") == 0


def test_long_values_are_folded_up(service, open_page):
    page = open_page(service)
    page.search("huge")
    page.await_(lambda: page.shows("x" * 200, "show all"))
    assert not page.shows("x" * 300)
    page.run("document.querySelector('.tree .whole summary').click()")
    page.await_(lambda: page.shows("x" * 15_000, "show less"))
    page.search("larger")
    assert page.shows("too large for this page", "shmconf get larger")


def test_what_is_open_stays_open(service, open_page):
    page = open_page(service)
    page.await_(lambda: page.count(".tree summary") > 3)
    page.run("[...document.querySelectorAll('.tree summary')].find(e => e.textContent.startsWith('redis/')).click()")
    page.run("document.querySelector('.tree details[open] summary').focus()")
    service.put("redis/port", "6379")
    page.await_(lambda: page.run("return document.querySelector('.tree details[open]').textContent.includes('6379')"))
    assert page.count(".tree details[open]") == 1
    assert page.run("return document.activeElement.textContent.startsWith('redis/')"), "nor is the focus lost"


def test_the_keyboard_reaches_everything(service, open_page):
    page = open_page(service)
    page.await_(lambda: page.shows("many/"))
    page.browser.press("TAB")
    assert page.run("return document.activeElement.className") == "skip"
    page.browser.press("ENTER")
    assert page.run("return document.activeElement.id") == "configuration"
    page.browser.press("/")
    assert page.run("return document.activeElement.id") == "search"
    page.browser.press(*"redis", "ESCAPE")
    assert page.run("return document.activeElement.value") == "" and page.text("found") == ""
    controls = page.run(
        "document.activeElement.blur(); getSelection().removeAllRanges(); scrollTo(0, 0);"
        "window.controls = [...document.querySelectorAll('a, button:enabled, input, summary, pre')].filter(e => e.checkVisibility());"
        "document.querySelector('.skip').focus(); return controls.length"
    )
    assert controls >= 9
    reached = []
    for _ in range(controls):
        reached.append(page.run(
            "const style = getComputedStyle(document.activeElement);"
            "return [controls.indexOf(document.activeElement), style.outlineStyle, parseFloat(style.outlineWidth)]"
        ))  # fmt: skip
        page.browser.press("TAB")
    assert [place for place, _, _ in reached] == list(range(controls)), "each, in the order in which they are seen"
    assert all(style == "solid" and width >= 2 for _, style, width in reached), "and one sees where one is"
    page.run("[...document.querySelectorAll('.tree summary')].find(e => e.textContent.startsWith('redis/')).focus()")
    page.browser.press("ENTER")
    page.await_(lambda: page.run("return document.activeElement.nextSibling.checkVisibility()"))
    assert page.run("return document.activeElement.nextSibling.textContent").startswith("host")
    page.browser.press("SPACE")
    page.await_(lambda: not page.run("return document.activeElement.nextSibling.checkVisibility()"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrast(service, open_page, scheme):
    page = open_page(service, scheme=scheme)
    service.put("colour", scheme)  # a side of a change for both
    service.put("colour", scheme + " ground")
    page.await_(lambda: page.shows(scheme + " ground"))
    page.search("e")
    for verdict in ("live", "stale", "backup", "dead", "none"):
        page.run("document.getElementById('verdict').dataset.verdict = arguments[0]", verdict)
        result = page.run(CONTRAST)
        assert result["found"] == [], (scheme, verdict)
        assert result["looked"] > 100
    page.run("document.getElementById('verdict').classList.add('lost');"
             "document.getElementById('connection').dataset.connection = 'lost';"
             "document.querySelector('.processes .card').className = 'card gone';")  # fmt: skip
    assert page.run(CONTRAST)["found"] == []


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_nothing_scrolls_sideways(service, open_page, width):
    page = open_page(service, width=width, height=800)
    page.await_(lambda: page.shows("many/"))
    page.click("open-all")
    page.run("for (const details of document.querySelectorAll('.whole')) details.open = true")
    page.await_(lambda: page.shows("down", "x" * 15_000))
    wide = page.run(
        "return [document.documentElement.scrollWidth, ...[...document.querySelectorAll('body *')]"
        ".filter(e => e.getBoundingClientRect().right > innerWidth && e.checkVisibility() && !e.closest('.unseen'))"
        ".map(e => e.tagName + '.' + e.className)]"
    )
    assert wide == [width]


def test_values_are_not_shown_over_tcp_unasked(closed, open_page):
    page = open_page(closed)
    page.await_(lambda: page.shows("There are no keys."))
    closed.put("redis/host", "10.9.8.7")
    page.await_(lambda: page.shows("redis/", "8 B"))
    page.await_(lambda: page.count(".timeline .added") == 1)
    assert page.shows("Values are not shown here", "--http-values")
    assert page.run("return document.getElementById('search').placeholder") == "Search keys"
    everything = page.run("return document.documentElement.outerHTML")
    everything += "".join(str(closed.asked("/api/" + what)[1]) for what in ("state", "tree", "history"))
    assert "10.9.8.7" not in everything


def test_outages_are_told_and_outlived(open_page):
    with RealConsul() as consul:
        consul.put("page/outage/a", "first")
        service = Service(consul, "page/outage/", "--http-values")
        try:
            page = open_page(service)
            page.await_(lambda: page.shows("first") and page.text("connection") == "Following changes")
            consul.kill()
            page.await_(lambda: page.text("verdict-word") == "Stale")
            assert page.text("since").startswith("since ") and page.text("announcement") == "web: Stale"
            assert page.run("return document.querySelector('[role=status]').id") == "announcement"
            service.run.kill_all()
            page.await_(lambda: page.text("connection").startswith("Connection lost"))
            assert page.count(".verdict.lost") == 1 and page.shows("first"), "it says so, and keeps what it knew"
            assert page.text("announcement") == "The connection is lost. When last seen, web: Stale"
            consul.restart()
            consul.put("page/outage/a", "second")
            service.run.start()
            page.await_(lambda: page.text("connection") == "Following changes" and page.shows("second"))
            page.await_(lambda: page.text("verdict-word") == "Live")
            page.browser.complaints()  # of the connection that was lost
        finally:
            service.end()
