"""README's troubleshooting tables: a row for every code and verdict, and no words that nothing says.

  troubleshooting_table.py SOURCE-FOLDER
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(sys.argv[1])
# What the kernel's and the C library's words are, not ours.
FOREIGN = {"No such file or directory", "Permission denied", "any"}


def text_of(*parts):
    return ROOT.joinpath(*parts).read_text()


def sources():
    """All of src, with string literals that stand side by side made one."""
    files = [*ROOT.glob("src/**/*.cc"), *ROOT.glob("src/**/*.h")]
    return re.sub(r'"\s*\n\s*"', "", "\n".join(file.read_text() for file in files))


def enumerators(text, enum):
    """(name, value) of each line of an enum of which every value is written out."""
    body = re.search(enum + r"[^{]*\{(.*?)\}", text, re.DOTALL)[1]
    return re.findall(r"^\s*(\w+) = (\d+)", body, re.MULTILINE)


def tables():
    """Rows of cells of all tables in the section, without their heads."""
    section = re.search(r"^## Troubleshooting\n(.*?)^## ", text_of("README.md"), re.DOTALL | re.MULTILINE)[1]
    lines = section.splitlines()
    for line, below in zip(lines, [*lines[1:], ""]):
        if line.startswith("| ") and not below.startswith("|---"):
            yield [cell.strip() for cell in line.strip("|").split("|")]


def main():
    rows = list(tables())
    firsts = {row[0] for row in rows}
    wrong = [f"an empty cell: {row}" for row in rows if not all(row)]

    cpp = enumerators(text_of("include/shmconf/result.h"), "enum class ErrorCode")
    c = dict((value, name) for name, value in enumerators(text_of("include/shmconf/c.h"), "enum shmconf_code"))
    wanted = {f"`{name}` `{c.get(value, 'no name in c.h')}` {value}" for name, value in cpp}
    verdicts = enumerators(text_of("include/shmconf/status.h"), "enum class Verdict")
    wanted |= {f"**{name[1:].lower()}**" for name, _ in verdicts}
    exits = enumerators(text_of("src/cli/exit_code.h"), "enum ExitCode")
    wanted |= {value for _, value in exits if value != "0"} | {"126", "127", "128+n"}
    assert len(cpp) >= 11 and len(verdicts) >= 4 and len(exits) >= 7 and len(c) == len(cpp) + 1, "the enums moved"
    wrong += [f"no row for {code}" for code in sorted(wanted - firsts)]
    coded = {row[0] for row in rows if len(row) == 4}
    wrong += [f"no such code: {code}" for code in sorted(coded - wanted)]

    words = sources()
    for row in rows:
        said = row[1] if len(row) == 4 else row[0]
        for quoted in re.findall(r"`([^`]+)`", said):
            if quoted not in FOREIGN and quoted not in words and not said_by_status(quoted):
                wrong.append(f"nothing says '{quoted}'")
    for line in wrong:
        print(line)
    print(f"{len(rows)} rows")
    return 1 if wrong else 0


def said_by_status(quoted):
    """A verdict, and what `shmconf status` goes on with."""
    line = re.search(r"std::string verdict_line.*?^}", text_of("src/display/status_text.cc"), re.DOTALL | re.MULTILINE)[0]
    verdict, _, rest = quoted.partition(" ")
    is_verdict = f'return "{verdict.strip(",")}"' in text_of("src/reader/status.cc")
    return is_verdict and (not rest or re.search(rf'"[, ]*{re.escape(rest)}', line) is not None)


sys.exit(main())
