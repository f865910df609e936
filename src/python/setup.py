"""Builds the extension from source: the reader's files of the repository around this folder, or the
copy of them that a source distribution carries in `reader/`."""

import shutil
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.command.sdist import sdist

HERE = Path(__file__).resolve().parent
READER_FOLDERS = ("include/shmconf", "src/reader", "src/format")


def reader_root() -> Path:
    own = HERE / "reader"
    return own if own.is_dir() else HERE.parent.parent


class BuildExtension(build_ext):
    """Only now are the sources looked for, and the version is known."""

    def build_extension(self, ext: Extension) -> None:
        root = reader_root()
        missing = [folder for folder in READER_FOLDERS if not (root / folder).is_dir()]
        if missing:
            raise SystemExit(f"shmconf: {root} lacks {', '.join(missing)}: build in a clone of the repository")
        ext.sources += sorted(map(str, [*root.glob("src/reader/*.cc"), *root.glob("src/format/*.cc")]))
        ext.include_dirs += [str(root / "include"), str(root / "src"), str(HERE)]
        ext.define_macros.append(("SHMCONF_VERSION", f'"{self.distribution.get_version()}"'))
        super().build_extension(ext)


class SourceDistribution(sdist):
    def make_release_tree(self, base_dir: str, files: "list[str]") -> None:
        super().make_release_tree(base_dir, files)
        for folder in READER_FOLDERS:
            shutil.copytree(reader_root() / folder, Path(base_dir, "reader", folder), dirs_exist_ok=True)


setup(
    ext_modules=[
        Extension(
            "shmconf._reader",
            sources=sorted(str(path.relative_to(HERE)) for path in HERE.glob("extension/*.cc")),
            depends=sorted(str(path.relative_to(HERE)) for path in HERE.glob("extension/*.h")),
            define_macros=[("Py_LIMITED_API", "0x03090000")],
            extra_compile_args=["-std=c++20", "-g0", "-fvisibility=hidden"],
            extra_link_args=[f"-Wl,--version-script={HERE / 'extension' / 'exports.map'}", "-pthread"],
            py_limited_api=True,
        )
    ],
    cmdclass={"build_ext": BuildExtension, "sdist": SourceDistribution},
    options={"bdist_wheel": {"py_limited_api": "cp39"}},
)
