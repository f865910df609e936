"""fork, multiprocessing, pickling, the interpreter's end."""

import multiprocessing
import os
import pickle
import subprocess
import sys
import threading

import pytest
from waiting import eventually

import shmconf


def in_child(function):
    """What function answers (a str) in a child made by fork."""
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.write(write_end, function().encode())
            code = 0
        finally:
            os._exit(code)
    os.close(write_end)
    with os.fdopen(read_end) as pipe:
        told = pipe.read()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    return told


def test_a_child_reads_on_and_follows(web):
    service = web({"a": "1"})
    assert service.config.a == "1"
    assert in_child(lambda: service.config.a) == "1"

    def follow():
        service.publish({"a": "2"})
        return str(service.config.wait(30)) + service.config.a

    assert in_child(follow) == "True2"
    assert service.config.a == "2"


def test_callbacks_go_on_in_a_child_and_in_its_parent(web):
    service = web({"a": "1"})
    told = []
    service.config.on_change("a", lambda change: told.append(change.new))

    def follow():
        assert [t.name for t in threading.enumerate()].count("shmconf-changes") == 1
        service.publish({"a": "2"})
        assert eventually(lambda: told[-1:] == ["2"])
        service.config.close()
        return ",".join(told)

    assert in_child(follow) == "2"
    assert eventually(lambda: told == ["2"])
    service.publish({"a": "3"})
    assert eventually(lambda: told == ["2", "3"])


def test_forks_while_it_changes(web):
    service = web({"counter": "0"})
    told = []
    service.config.on_change("counter", lambda change: told.append(int(change.new)))
    for turn in range(1, 21):
        service.segment.step(50)
        wanted = str(turn * 50)

        def follow():
            assert eventually(lambda: service.config.counter == wanted)
            assert eventually(lambda: not told or told[-1] == int(wanted))
            return service.config.counter

        assert in_child(follow) == wanted
    assert eventually(lambda: told and told[-1] == 1000)


def read_in_process(config, queue):
    queue.put((config.redis.host, config.wait(0), shmconf.to_dict(config)))


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing(web, method):
    config = web({"redis/host": "a"}).config
    context = multiprocessing.get_context(method)
    queue = context.Queue()
    process = context.Process(target=read_in_process, args=(config, queue))
    process.start()
    try:
        assert queue.get(timeout=120) == ("a", False, {"redis": {"host": "a"}})
    finally:
        process.join()


def test_pickling(web):
    service = web({"a/b": "1"}, secrets=["pin"])
    copied = pickle.loads(pickle.dumps(service.config))
    service.publish({"a/b": "2", "pin": "3"})
    assert copied.a.b == "2" and "***" in repr(copied)
    given = pickle.loads(pickle.dumps(shmconf.from_dict({"a": {"b": 1}})))
    assert given.a.b == 1
    with pytest.raises(TypeError, match="to_dict"):
        pickle.dumps(service.config.a)
    with pytest.raises(TypeError, match="to_dict"):
        pickle.dumps(service.config.snapshot())
    with pytest.raises(KeyError) as missing:
        service.config["none"]
    assert "no key 'none'" in str(pickle.loads(pickle.dumps(missing.value)))


ENDINGS = [
    "pass",
    "sys.exit(0)",
    "config.close()",
    "threading.Thread(target=config.wait, args=(0.5,)).start()",
]


@pytest.mark.parametrize("ending", ENDINGS)
def test_the_interpreter_ends_cleanly_with_callbacks_waiting(web, ending):
    web({"a": "1"})
    program = f"""
import shmconf, sys, threading
config = shmconf.open("web")
config.on_change("", print)
threading.Thread(target=config.wait, daemon=True).start()
{ending}
"""
    for _ in range(3):
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=120)
        assert (done.returncode, done.stderr) == (0, b"")
