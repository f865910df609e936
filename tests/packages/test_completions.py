"""The completions in the shells themselves: bash and zsh in a terminal of their own, where Tab is pressed,
and fish asked by its own `complete -C`. What must be offered is taken from the program's --help."""

import json
import os
import pathlib
import pty
import re
import select
import subprocess
import time

import pytest

PROGRAM = pathlib.Path(os.environ["SHMCONF_BIN"])
DERIVED = pathlib.Path(os.environ["SHMCONF_COMPLETIONS"])
DEADLINE = 60
# What a terminal does beside showing text: colours, and what moves the cursor, so that words part there.
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
CONTROL = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07]*\x07|\x1b[=>78]|[\x07\x08\x0f\r]")


def help_of(*words):
    return subprocess.run([PROGRAM, *words, "--help"], check=True, capture_output=True, text=True).stdout


COMMANDS = re.findall(r"^  ([a-z]+) ", help_of().split("Subcommands:")[1].split("\n\n")[0], re.M)


def options_of(command):
    return set(re.findall(r"^  (?:-h,)?(--[a-z-]+)", help_of(command), re.M))


class Terminal:
    """A shell at a terminal: what it shows when a line is typed and Tab is pressed."""

    def __init__(self, command, environment, folder, set_up):
        self.process, self.terminal = pty.fork()
        if self.process == 0:
            os.chdir(folder)
            os.execvpe(command[0], command, environment)
        self.seen = ""
        self.lines = 0
        for line in set_up:
            self.type(line + "\n")
        self.until_echoed()

    def type(self, text):
        os.write(self.terminal, text.encode())

    def until_echoed(self):
        """Has the shell print a line, waits until it prompts again, and returns what it showed before."""
        self.lines += 1
        self.type(f"echo end''-{self.lines}-\n")
        end = re.compile(rf"end-{self.lines}-.*?ready> ", re.S)
        deadline = time.monotonic() + DEADLINE
        while not end.search(self.seen):
            ready, _, _ = select.select([self.terminal], [], [], max(0, deadline - time.monotonic()))
            assert ready, f"the shell does not answer: {self.seen[-2000:]!r}"
            self.seen += os.read(self.terminal, 65536).decode(errors="replace")
        shown, self.seen = end.split(self.seen, 1)
        return CONTROL.sub("\n", COLOUR.sub("", shown))

    def offers(self, line):
        self.type(line + "\t\x15")  # and the line is taken back
        return self.until_echoed()

    def close(self):
        os.close(self.terminal)  # hangs up
        os.waitpid(self.process, 0)


class Fish:
    def __init__(self, environment, folder):
        self.environment = environment
        self.folder = folder

    def offers(self, line):
        script = 'source $argv[1]; complete -C "$argv[2]"'
        command = ["fish", "--no-config", "-c", script, DERIVED / "shmconf.fish", line]
        done = subprocess.run(command, env=self.environment, cwd=self.folder, capture_output=True, text=True, timeout=DEADLINE)
        assert done.returncode == 0 and not done.stderr, done.stderr
        return "\n".join(offer.split("\t")[0] for offer in done.stdout.splitlines())

    def close(self):
        pass


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a command, a settings file, and a configuration of one service."""
    folder = tmp_path_factory.mktemp("place")
    (folder / "bin").mkdir()
    (folder / "bin/shmconf").symlink_to(PROGRAM)
    (folder / "bin/frobnicate").write_text("#!/bin/sh\n")
    (folder / "bin/frobnicate").chmod(0o755)
    (folder / "root/web").mkdir(parents=True)
    (folder / "settings.json").write_text("{}")
    (folder / "keys.json").write_text(json.dumps({"redis/host": "a", "redis/port": "1", "flag": "on"}))
    (folder / "root").chmod(0o755)
    subprocess.run([PROGRAM, "pack", folder / "keys.json", "--output", folder / "web.snapshot"], check=True)
    return folder


@pytest.fixture(scope="module", params=["bash", "zsh", "fish"])
def shell(request, place):
    environment = {
        "PATH": f"{place}/bin:/usr/bin:/bin",
        "HOME": str(place),
        "LANG": "C.UTF-8",
        "TERM": "xterm",
        "COLUMNS": "500",
        "SHMCONF_BACKUP": f"{place}/web.snapshot",
    }
    if request.param == "bash":
        shell = Terminal(
            ["bash", "--norc", "--noprofile", "-i"],
            environment,
            place,
            [
                "PS1='ready> '; stty columns 500",
                "bind 'set show-all-if-ambiguous on'; bind 'set completion-query-items 0'; bind 'set page-completions off'",
                "bind 'set enable-bracketed-paste off'; bind 'set bell-style none'",
                f"source /usr/share/bash-completion/bash_completion; source {DERIVED}/shmconf.bash",
            ],
        )
    elif request.param == "zsh":
        shell = Terminal(
            ["zsh", "-f", "-i"],
            environment,
            place,
            [
                "PS1='ready> '; stty columns 500; unset zle_bracketed_paste",
                "setopt auto_list no_list_ambiguous no_beep; LISTMAX=10000",
                f"fpath=({DERIVED} $fpath); autoload -Uz compinit; compinit -u -D",
            ],
        )
    else:
        shell = Fish(environment, place)
    yield shell
    shell.close()


def words(text):
    return set(re.findall(r"[^\s]+", text))


def test_every_command_is_offered(shell):
    assert len(COMMANDS) >= 14
    assert words(shell.offers("shmconf ")) >= {*COMMANDS, "help"}
    assert "status" in words(shell.offers("shmconf sta"))


def test_every_option_of_every_command_is_offered(shell):
    for command in COMMANDS:
        offered = {word.rstrip("=") for word in words(shell.offers(f"shmconf {command} --"))}
        assert offered >= options_of(command), command
    assert "--heartbeat-interval" in shell.offers("shmconf run --hea")


def test_choices_are_offered(shell):
    assert words(shell.offers("shmconf run --consistency ")) >= {"default", "stale", "consistent"}
    assert words(shell.offers("shmconf run --hardening ")) >= {"true", "false"}


def test_files_and_directories_are_offered(shell):
    assert "settings.json" in shell.offers("shmconf check set")
    assert "settings.json" in shell.offers("shmconf run --config set")
    directories = shell.offers("shmconf run --dir ")
    assert "root/" in directories and "settings.json" not in directories


def test_services_are_offered(shell):
    assert "web" in words(shell.offers("shmconf status --dir root --name w"))


def test_keys_are_offered(shell):
    keys = words(shell.offers("shmconf get --name web --dir root redis/"))
    assert keys >= {"redis/host", "redis/port"} and "flag" not in keys
    assert "flag" in words(shell.offers("shmconf wait --name web --dir root --key fl"))


def test_a_value_behind_an_equals_sign_is_offered(shell):
    assert "stale" in shell.offers("shmconf run --consistency=st")


def test_the_command_of_exec_is_offered(shell):
    assert "frobnicate" in words(shell.offers("shmconf exec --name web -- frobn"))
