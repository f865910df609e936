"""on_change and changes()."""

import asyncio
import gc
import logging
import threading

import shmconf
from waiting import eventually


def following(config, path):
    """The list that grows with what a callback is told."""
    told = []
    subscription = config.on_change(path, lambda change: told.append(tuple(change)))
    return told, subscription


def test_old_and_new_values(web):
    service = web({"redis/host": "a", "redis/port": "1", "other": "x"})
    told, _ = following(service.config, "redis")
    service.publish({"redis/host": "b", "redis/db": "0", "other": "y"})
    assert eventually(lambda: len(told) == 3)
    assert told == [("redis/db", None, "0"), ("redis/host", "a", "b"), ("redis/port", "1", None)]


def test_a_key_a_folder_and_everything(web):
    service = web({"a": "1", "a/b": "1", "ab": "1"})
    key, _ = following(service.config, "a")
    folder, _ = following(service.config, "a/b")
    everything, _ = following(service.config, "")
    service.publish({"a": "2", "a/b": "2", "ab": "2"})
    assert eventually(lambda: (len(key), len(folder), len(everything)) == (2, 1, 3))
    assert [name for name, _, _ in key] == ["a", "a/b"] and folder == [("a/b", "1", "2")]


def test_flags_are_a_change_and_the_same_values_again_are_none(segment):
    segment.publish_flags("a", "1", 0)
    with shmconf.open("web") as config:
        told, _ = following(config, "a")
        segment.publish_flags("a", "1", 5)
        assert eventually(lambda: told == [("a", "1", "1")])


def test_inside_a_document(web):
    service = web({"doc": '{"a": {"b": 1}, "c": 1}'})
    inner, _ = following(service.config, "doc/a")
    whole, _ = following(service.config, "doc")
    service.publish({"doc": '{"a": {"b": 1}, "c": 2}'})
    assert eventually(lambda: len(whole) == 1)
    service.publish({"doc": '{"a": {"b": 2}, "c": 2}'})
    assert eventually(lambda: len(whole) == 2 and len(inner) == 1)
    path, old, new = inner[0]
    assert (path, old.b, new.b) == ("doc/a", 1, 2)
    assert (whole[0][1].c, whole[0][2].c) == (1, 2)


def test_cancelled_and_closed_ones_are_told_nothing_more(web):
    service = web({"a": "1"})
    cancelled, subscription = following(service.config, "a")
    with service.config.on_change("a", print):
        kept, _ = following(service.config, "a")
    subscription.cancel()
    service.publish({"a": "2"})
    assert eventually(lambda: len(kept) == 1) and not cancelled
    assert thread_is_running()
    service.config.close()
    assert not thread_is_running()
    service.publish({"a": "3"})
    assert len(kept) == 1


def test_one_thread_for_all_and_none_when_nobody_listens(web):
    config = web({"a": "1"}).config
    assert not thread_is_running()
    subscriptions = [config.on_change("a", print) for _ in range(20)]
    assert len([t for t in threading.enumerate() if t.name == "shmconf-changes"]) == 1
    for subscription in subscriptions:
        subscription.cancel()
    assert eventually(lambda: not thread_is_running())


def thread_is_running():
    return any(thread.name == "shmconf-changes" for thread in threading.enumerate())


def test_a_failing_callback_is_logged_and_the_others_go_on(web, caplog):
    service = web({"a": "1"})
    service.config.on_change("a", lambda change: 1 / 0)
    told, _ = following(service.config, "a")
    with caplog.at_level(logging.ERROR, "shmconf"):
        service.publish({"a": "2"})
        assert eventually(lambda: len(told) == 1)
    assert "a callback for changes of 'a' failed" in caplog.text and "ZeroDivisionError" in caplog.text


def test_a_callback_may_use_its_configuration_and_its_subscriptions(web):
    service = web({"a": "1", "b": "1"})
    told = []

    def function(change):
        told.append(service.config.b)
        subscription.cancel()
        service.config.on_change("b", lambda inner: told.append(inner.new))

    subscription = service.config.on_change("a", function)
    service.publish({"a": "2", "b": "2"})
    assert eventually(lambda: told == ["2"])
    service.publish({"a": "3", "b": "3"})
    assert eventually(lambda: told == ["2", "3"])


def test_the_newest_state_arrives_however_fast_it_changes(web):
    service = web({"counter": "0"})
    told, _ = following(service.config, "counter")
    service.segment.step(2000)
    assert eventually(lambda: told and told[-1][2] == "2000")
    assert all(before[2] == after[1] for before, after in zip(told, told[1:])), "each begins where the last ended"


def test_asyncio(web):
    service = web({"redis/host": "a"})

    async def main():
        seen = []
        changes = service.config.changes("redis")
        publisher = asyncio.get_running_loop().run_in_executor(None, publish)
        async for change in changes:
            seen.append(change)
            if change.new == "c":
                break
        await publisher
        return seen

    def publish():
        for value in ("b", "c"):
            service.publish({"redis/host": value})
            assert eventually(lambda: service.config.redis.host == value)

    seen = asyncio.run(asyncio.wait_for(main(), 60))
    assert seen[0].old == "a" and seen[-1] == shmconf.Change("redis/host", seen[-1].old, "c")
    gc.collect()
    assert eventually(lambda: not thread_is_running()), "a loop that was left ends its subscription"


def test_asyncio_goes_on_while_it_waits_and_can_be_cancelled(web):
    service = web({"a": "1"})

    async def main():
        changes = service.config.changes()
        waiting = asyncio.ensure_future(changes.__anext__())
        await asyncio.sleep(0)
        assert not waiting.done()
        service.publish({"a": "2"})
        assert (await asyncio.wait_for(waiting, 30)).new == "2"
        waiting = asyncio.ensure_future(changes.__anext__())
        await asyncio.sleep(0)
        waiting.cancel()
        await changes.aclose()

    asyncio.run(main())
    assert eventually(lambda: not thread_is_running())
