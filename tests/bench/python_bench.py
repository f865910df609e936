"""What a read costs in Python, against the peers in the same run: prints, asserts nothing.

    PYTHONPATH=build/test/python SHMCONF_SEGMENT_PUBLISHER=build/test/tests/shmconf_segment_publisher \\
    SHMCONF_CONSUL=... /usr/bin/python3 tests/bench/python_bench.py

Without SHMCONF_CONSUL, or without python3-consul, the comparison with a local agent is left out.
"""

import os
import pathlib
import shutil
import statistics
import sys
import tempfile
import time
import timeit
import types

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "integration" / "python"))

from real_consul import RealConsul
from segment import Segment

import shmconf


def compare(ours, peer, theirs, names, number=1_000_000, theirs_number=None):
    """Each statement in turns, nine times; the medians, and the median of the ratios."""
    mine, others = [], []
    theirs_number = theirs_number or number
    for _ in range(9):
        mine.append(timeit.timeit(ours, globals=names, number=number) / number * 1e9)
        others.append(timeit.timeit(theirs, globals=names, number=theirs_number) / theirs_number * 1e9)
    ratio = statistics.median(a / b for a, b in zip(mine, others))
    medians = f"{statistics.median(mine):8.1f} ns   {peer:24} {statistics.median(others):12.1f} ns"
    print(f"{ours:28} {medians}   ratio {ratio:.3g}")
    return ratio


def reads(config):
    known = {f"group/key{i}": str(i) for i in range(1000)}
    known["redis/host"] = "127.0.0.1"
    plain = types.SimpleNamespace(redis=types.SimpleNamespace(host="127.0.0.1"))
    names = dict(config=config, plain=plain, known=known)
    compare("config.redis.host", "types.SimpleNamespace", "plain.redis.host", names)
    compare('config["redis/host"]', "dict", 'known["redis/host"]', names)
    compare('config.get("redis/host")', "dict.get", 'known.get("redis/host")', names)


def against_an_agent(config):
    try:
        import consul
    except ImportError:
        print("python3-consul is not installed: no comparison with an agent")
        return
    with RealConsul() as agent:
        agent.put("redis/host", "127.0.0.1")
        client = consul.Consul(host="127.0.0.1", port=agent.port)
        names = dict(config=config, client=client)
        theirs = 'client.kv.get("redis/host")'
        ratio = compare("config.redis.host", "python3-consul kv.get", theirs, names, theirs_number=200)
        print(f"{1 / ratio:,.0f} times as fast as a request to a local agent")


def generation_changes(segment):
    """The first read after a change, of a reader that has read all of 10,000 keys before."""
    values = {f"group{i % 100}/key{i}": f"value {i}" * 5 for i in range(10_000)}
    segment.publish({**values, "counter": "0", "redis/host": "127.0.0.1"})
    config = shmconf.open("web")
    names = list(values)
    places = [name.split("/") for name in names]
    for style, read_all in (
        ("one of 10,000 keys", lambda: config.redis.host),
        ("10,000 items", lambda: [config[name] for name in names]),
        ("10,000 attributes", lambda: [getattr(getattr(config, group), name) for group, name in places]),
    ):
        times = []
        for _ in range(50):
            read_all()
            segment.step()
            begin = time.perf_counter()
            config.redis.host
            times.append((time.perf_counter() - begin) * 1e6)
        print(f"first read after a change, {style + ' read before':32} "
              f"{statistics.median(times):8.1f} us (slowest of 50: {max(times):.1f} us)")


def main():
    root = tempfile.mkdtemp(prefix="shmconf-bench-", dir="/dev/shm")
    os.environ["SHMCONF_DIR"] = root
    try:
        with Segment(root, "web") as segment:
            segment.publish({**{f"group/key{i}": str(i) for i in range(1000)}, "redis/host": "127.0.0.1"})
            config = shmconf.open("web")
            reads(config)
            if os.environ.get("SHMCONF_CONSUL") or os.path.exists(os.environ.get("SHMCONF_BUILT_CONSUL", "")):
                against_an_agent(config)
            generation_changes(segment)
    finally:
        shutil.rmtree(root)


if __name__ == "__main__":
    main()
