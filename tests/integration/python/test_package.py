"""The package as it is installed, typed and shown in the README."""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile

import pytest
from sidecar import supervisors
from waiting import eventually

import shmconf

REPOSITORY = pathlib.Path(__file__).resolve().parents[3]


def run(*command, **options):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=500, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def pip(*arguments):
    # Optimising would take most of the time.
    options = ["--no-build-isolation", "--no-index", "--no-deps", "--disable-pip-version-check"]
    run(sys.executable, "-m", "pip", *arguments[:1], *options, *arguments[1:], env={**os.environ, "CFLAGS": "-O0"})


@pytest.fixture
def clone(tmp_path):
    """A copy of what the package is built from, since a build writes beside its sources."""
    for folder in ("include", "src/reader", "src/format", "src/python"):
        shutil.copytree(REPOSITORY / folder, tmp_path / "clone" / folder)
    return tmp_path / "clone" / "src" / "python"


def check_installed(folder, root):
    """Reads with what was installed there, and nothing of the build tree."""
    program = """
import shmconf, sys
assert shmconf.__file__.startswith(sys.argv[1]), shmconf.__file__
config = shmconf.open("web")
print(config.redis.host, shmconf.__version__)
"""
    told = run(sys.executable, "-c", program, folder, env={**os.environ, "PYTHONPATH": str(folder)})
    assert told == f"x {shmconf.__version__}\n"


def test_pip_install_from_the_source_tree(clone, tmp_path, segment, root):
    segment.publish({"redis/host": "x"})
    target = tmp_path / "target"
    pip("install", "--target", target, clone)
    check_installed(target, root)
    installed = {path.name for path in (target / "shmconf").iterdir()}
    assert {"_reader.abi3.so", "py.typed", "_reader.pyi"} <= installed
    assert "Tag: cp39-abi3-linux" in next(target.glob("*.dist-info/WHEEL")).read_text()


def test_a_source_distribution_holds_all_that_a_wheel_is_built_from(clone, tmp_path, segment, root):
    segment.publish({"redis/host": "x"})
    run(sys.executable, "setup.py", "-q", "sdist", "--dist-dir", tmp_path, cwd=clone)
    (archive,) = tmp_path.glob("*.tar.gz")
    shutil.rmtree(tmp_path / "clone")
    with tarfile.open(archive) as file:
        names = file.getnames()
    assert f"shmconf-{shmconf.__version__}/reader/src/reader/c_api.cc" in names
    pip("wheel", "--wheel-dir", tmp_path, archive)
    (wheel,) = tmp_path.glob(f"shmconf-{shmconf.__version__}-cp39-abi3-linux_*.whl")
    pip("install", "--target", tmp_path / "target", wheel)
    check_installed(tmp_path / "target", root)


def test_versions_agree():
    project = re.search(r"project\(shmconf VERSION (\S+)", (REPOSITORY / "CMakeLists.txt").read_text())[1]
    python = re.search(r'^version = "(.*)"$', (REPOSITORY / "src/python/pyproject.toml").read_text(), re.MULTILINE)[1]
    assert project == python == shmconf.__version__


def test_shows_its_entry_alone_and_uses_no_internals_of_python():
    symbols = run("nm", "-D", shmconf._reader.__file__).splitlines()
    shown = [line.split()[-1] for line in symbols if re.search(r"^[0-9a-f]+ [A-Z] ", line)]
    assert shown == ["PyInit__reader"]
    # What the headers themselves use of the stable ABI's underscores.
    stable = {"_Py_Dealloc", "_Py_NoneStruct", "_Py_BuildValue_SizeT", "_PyArg_ParseTuple_SizeT",
              "_PyArg_ParseTupleAndKeywords_SizeT"}
    internal = {line.split()[-1] for line in symbols if " U _Py" in line}
    assert internal <= stable


@pytest.fixture
def built():
    return pathlib.Path(shmconf.__file__).parent.parent


def mypy(tool, tmp_path, built, *arguments):
    env = {**os.environ, "MYPYPATH": str(built), "PYTHONPATH": str(built)}
    return run(sys.executable, "-m", tool, *arguments, cwd=tmp_path, env=env)


def test_mypy_accepts_the_package_and_its_use(tmp_path, built):
    options = ["--strict", "--cache-dir", tmp_path / "cache"]
    assert "no issues" in mypy("mypy", tmp_path, built, *options, "-p", "shmconf")
    assert "no issues" in mypy("mypy", tmp_path, built, *options, pathlib.Path(__file__).with_name("sample_use.py"))


def test_the_stub_says_what_the_extension_has(tmp_path, built):
    allowed = tmp_path / "allowed"
    allowed.write_text("shmconf._reader.Node.__getattr__\n")  # for mypy: attributes are keys
    mypy("mypy.stubtest", tmp_path, built, "shmconf._reader", "--allowlist", allowed)


def test_the_five_lines_of_the_readme(tmp_path, root, own_consul):
    text = (REPOSITORY / "README.md").read_text()
    lines = re.search(r"```python\n(.*?)```", text, re.DOTALL)[1]
    assert len(lines.splitlines()) == 5
    program = tmp_path / "service.py"
    program.write_text(lines)
    own_consul.put("config/common/redis/host", "common")
    own_consul.put("config/web/redis/host", "a")
    env = {**os.environ, "CONSUL_HTTP_ADDR": own_consul.address, "SHMCONF_BACKUP": str(tmp_path / "web.snapshot")}
    # Interactive, so that it stays when it has come to its end.
    service = subprocess.Popen(
        [sys.executable, "-u", "-i", program], env=env, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=open(tmp_path / "log", "w"),
    )
    try:
        assert service.stdout.readline() == "a\n"
        # Once it is told, it listens.
        service.stdin.write("print('ready')\n")
        service.stdin.flush()
        assert service.stdout.readline() == "ready\n"
        own_consul.put("config/web/redis/host", "b")
        assert service.stdout.readline() == "redis/host a -> b\n"
    finally:
        service.stdin.close()
        service.wait(timeout=60)
    assert eventually(lambda: not supervisors(root), 60)
