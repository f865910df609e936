"""Memory stays flat. The address sanitizer keeps what was freed, so this one runs without."""

import gc
import os


def resident_bytes():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_memory_stays_flat_over_ten_million_reads_of_ten_thousand_generations(web):
    values = {f"group{i % 10}/key{i}": "x" * 50 for i in range(200)}
    service = web({**values, "counter": "0", "doc": '{"a": {"b": [1, {"c": 2}]}}'})
    config = service.config
    name = "group3/key33"

    def read_generations(count):
        for _ in range(count):
            service.segment.step()
            for _ in range(249):
                config.group3.key33, config[name], config.counter, config["doc"].a
            assert config.doc.a.b[1].c == 2 and len(config) == 12 and config.get("none") is None
            with config.snapshot() as held:
                held.counter

    read_generations(1000)
    gc.collect()
    before = resident_bytes()
    read_generations(9000)
    gc.collect()
    assert config.counter == "10000"
    # An object of 50 bytes lost with each generation would be 450 KB and more.
    grown = resident_bytes() - before
    assert grown < 400_000
