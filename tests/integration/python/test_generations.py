"""Generations: snapshots, waiting, threads."""

import signal
import subprocess
import sys
import threading
import time

import pytest
from waiting import eventually

import shmconf


def test_a_snapshot_stays_at_its_generation(web):
    service = web({"a/x": "1", "a/y": "1", "doc": '{"n": 1}'})
    with service.config.snapshot() as held:
        a = held.a
        service.publish({"a/x": "2", "a/y": "2", "doc": '{"n": 2}'})
        assert service.config.a.x == "2"
        assert (held.a.x, a.y, held["a/y"], held.doc.n) == ("1", "1", "1", 1)
    with pytest.raises(shmconf.Error, match="closed"):
        held.a.x
    with pytest.raises(shmconf.Error, match="closed"):
        a.y


def test_a_snapshot_outlives_its_configuration(web):
    service = web({"a": "1"})
    held = service.config.snapshot()
    service.config.close()
    for n in range(5):
        service.publish({"a": f"2{n}"})
    assert held.a == "1"


def test_values_of_a_snapshot_belong_together(web):
    service = web({"counter": "0", "same/a": "0"})
    stop = threading.Event()

    def publish():
        n = 0
        while not stop.is_set():
            n += 1
            service.publish({"counter": str(n), "same/a": str(n), "same/b": str(n)})

    publisher = threading.Thread(target=publish)
    publisher.start()
    try:
        seen = set()

        def torn():
            with service.config.snapshot() as held:
                seen.add(held.counter)
                return not held.counter == held.same.a == held["same"].get("b", "0")

        assert not any(torn() for _ in range(3000)) or len(seen) < 2
        assert eventually(lambda: torn() or len(seen) > 20)
        assert not torn()
    finally:
        stop.set()
        publisher.join()


def test_wait(web):
    service = web({"a": "1"})
    config = service.config
    assert config.wait(0) is False and config.wait(0.05) is False
    service.publish({"a": "2"})
    assert config.wait(30) is True and config.a == "2"
    assert config.wait(0) is False
    service.publish({"a": "3"})
    assert config.a == "3"
    assert config.wait(0) is True, "reading does not use up a change"


def test_wait_ends_with_the_change_and_lets_other_threads_run(web):
    service = web({"a": "1"})
    done = []
    waiter = threading.Thread(target=lambda: done.append(service.config.wait(60)))
    waiter.start()
    counted = sum(range(100000))  # the GIL is ours meanwhile
    service.publish({"a": "2"})
    waiter.join(30)
    assert done == [True] and counted


def test_waiting_holds_no_gil(web):
    config = web({"a": "1"}).config

    def seconds_of_work():
        begin = time.perf_counter()
        for _ in range(5_000_000):
            pass
        return time.perf_counter() - begin

    alone = min(seconds_of_work() for _ in range(2))
    waiting = threading.Thread(target=config.wait, args=(60,), daemon=True)
    waiting.start()
    config.on_change("a", print)
    # Whoever waits with the GIL leaves 5 of each 100 ms to the others.
    assert min(seconds_of_work() for _ in range(3)) < 5 * alone
    assert waiting.is_alive()


def test_ctrl_c_ends_wait(web, root):
    web({"a": "1"})
    program = "import shmconf; config = shmconf.open('web'); print(1, flush=True); config.wait()"
    child = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert child.stdout.readline() == b"1\n"
    # Once more where it came before the wait had begun.
    assert eventually(lambda: (child.send_signal(signal.SIGINT), child.poll() is not None)[1])
    assert b"KeyboardInterrupt" in child.communicate()[1]


def test_threads_share_one_configuration(web):
    service = web({"counter": "0", "a/b": "x", "doc": '{"list": [1, {"n": 1}]}'})
    config = service.config
    problems = []
    stop = threading.Event()

    def read():
        try:
            while not stop.is_set():
                int(config.counter)
                assert config.a.b == config["a/b"] == "x"
                assert config.doc.list[1].n == 1 and len(config) == 3
                with config.snapshot() as held:
                    assert held.a.b == "x"
        except Exception as error:
            problems.append(error)

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    threads = [threading.Thread(target=read) for _ in range(8)]
    try:
        for thread in threads:
            thread.start()
        for n in range(300):
            service.publish({"counter": str(n), "a/b": "x", "doc": '{"list": [1, {"n": 1}], "turn": %d}' % n})
    finally:
        stop.set()
        for thread in threads:
            thread.join()
        sys.setswitchinterval(before)
    assert not problems


def test_status(web):
    service = web({"a": "1", "b": "2"})
    status = service.config.status
    assert (status.verdict, status.source, status.key_count) == ("live", "consul", 2)
    assert 0 <= status.age < 60 and status.error == "" and not status.from_file
    assert status.generation == service.segment.generation()
    assert status.watch.alive and not status.heartbeat.alive
    assert abs(status.published.timestamp() - time.time()) < 60
    assert status.directory == service.segment.directory
    service.publish({"a": "2"})
    assert service.config.status.generation > status.generation
