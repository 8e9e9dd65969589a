#!/usr/bin/env python3
"""Holds what no compiler checks: the layers, the one home of each outside library, and the style's plain rules.

Prints `file:line: message` for every problem and ends with 1 when there was one. `tidy_test.py` tests it.
"""
import argparse
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

# Which modules a module's files may include; what is not listed is a neighbour or above.
LAYERS = {
    "base": set(),
    "model": {"base"},
    "calendar": {"base"},
    "rules": {"base", "model", "calendar"},
    "rules_language": {"base", "model", "calendar", "rules"},
    "rules_lua": {"base", "model", "calendar", "rules"},
    "connectors": {"base", "model"},
    "store": {"base", "model"},
    "store_sqlite": {"base", "model", "store"},
    "store_postgres": {"base", "model", "store"},
    "pipeline": {"base", "model", "rules", "rules_language", "connectors", "store"},
    "http": {"base", "model", "rules", "rules_language", "connectors", "store", "pipeline"},
    "app": {"base", "model", "rules", "rules_language", "rules_lua", "connectors", "store", "store_sqlite", "store_postgres",
            "pipeline", "http"},
}

# The longest prefix of a file's path says which module it belongs to.
MODULES = {
    "engine/base/": "base",
    "engine/model/": "model",
    "rules/": "rules",
    "rules/calendar/": "calendar",
    "rules/language/": "rules_language",
    "rules/lua/": "rules_lua",
    "connectors/": "connectors",
    "engine/store/": "store",
    "engine/store/sqlite/": "store_sqlite",
    "engine/store/postgres/": "store_postgres",
    "engine/pipeline/": "pipeline",
    "engine/http/": "http",
    "engine/app/": "app",
}

# What an outside library's headers look like, and the paths (by prefix) that may include them.
HOMES = {
    "nlohmann/json": (r"nlohmann/", ["engine/base/json.h"]),
    "yaml-cpp": (r"yaml-cpp/", ["engine/base/yaml.cpp"]),
    "OpenSSL": (r"openssl/", ["engine/base/hash.cpp", "engine/base/ed25519.cpp", "connectors/kit/http_client"]),
    "spdlog": (r"spdlog/", ["engine/base/log.cpp"]),
    "RE2": (r"re2/", ["rules/evaluator/regex"]),
    "Abseil": (r"absl/", ["rules/calendar/zone."]),
    "libical": (r"libical/", ["rules/calendar/holiday_file."]),
    "Hyperscan": (r"hs/", ["rules/matcher/literal_scan."]),
    "simdjson": (r"simdjson", ["engine/base/json_bytes."]),
    "SQLite": (r"sqlite3", ["engine/store/sqlite/"]),
    "libpqxx": (r"pqxx/", ["engine/store/postgres/"]),
    "Lua": (r"(lua\.h|lua\.hpp|lualib|lauxlib|lua5)", ["rules/lua/"]),
    "libseccomp": (r"seccomp\.h", ["rules/lua/worker_confine."]),
    "Boost": (r"boost/", ["connectors/kit/http_client", "engine/http/", "engine/pipeline/", "engine/app/"]),
    "zlib": (r"zlib\.h", ["engine/app/lines.cpp"]),
    "CLI11": (r"CLI/", ["engine/app/"]),
    "dtl": (r"dtl/", ["engine/app/file_diff.cpp"]),
    "Catch2": (r"catch2/", ["tests/support/"]),
}
# Tests reach for these as any client would: to fake a vendor, to spoil a database, to compare with the stock libraries.
HOMES_OF_TESTS = {"Boost", "SQLite", "libpqxx", "OpenSSL", "zlib", "Lua"}

# CMake targets of outside libraries, and the layers that may link them.
LINKS = {
    "nlohmann_json::nlohmann_json": {"base"},
    "Threads::Threads": {"base"},
    "yaml-cpp": {"base"},
    "spdlog::spdlog": {"base"},
    "OpenSSL::Crypto": {"base", "connectors"},
    "OpenSSL::SSL": {"connectors"},
    "PkgConfig::RE2": {"rules"},
    "PkgConfig::SIMDJSON": {"base"},
    "PkgConfig::HS": {"rules"},
    "signalbox_lua": {"rules_lua"},
    "absl::time": {"calendar"},
    "PkgConfig::ICAL": {"calendar"},
    "PkgConfig::SECCOMP": {"rules_lua"},
    "Boost::headers": {"connectors", "http", "pipeline", "app"},
    "SQLite::SQLite3": {"store_sqlite"},
    "PkgConfig::PQXX": {"store_postgres"},
    "CLI11::CLI11": {"app"},
    "ZLIB::ZLIB": {"app"},
}

SOURCE = {".h", ".cpp"}
TEXT = SOURCE | {".md", ".yaml", ".yml", ".json", ".py", ".sh", ".cmake", ".txt", ".sql", ".lua", ".in", ""}
SKIPPED_FOLDERS = {".git", "build", ".cache", "__pycache__"}
# These quote what they forbid, or are wrong on purpose.
EXEMPT = ("tests/tidy/", "tests/golden/diagnostics/", "tests/fuzz/")
CLANG_FORMAT_MAJOR = 14  # another version lays out some lines differently


@dataclass(frozen=True)
class Problem:
    path: str
    line: int
    message: str

    def __str__(self):
        return f"{self.path}:{self.line}: {self.message}"


class Tree:
    """The project's text files, by path from its root."""

    def __init__(self, root):
        self.root = Path(root)
        self.files = {path: text for path in self._paths() if (text := self._text(path)) is not None}

    def _paths(self):
        for folder, folders, names in os.walk(self.root):
            folders[:] = sorted(f for f in folders if f not in SKIPPED_FOLDERS)
            for name in sorted(names):
                path = Path(folder, name)
                if path.suffix in TEXT and not path.is_symlink():
                    yield path.relative_to(self.root).as_posix()

    def _text(self, path):
        try:
            return (self.root / path).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            return None  # recorded bytes of a test, not a text

    def sources(self):
        return {path: text for path, text in self.files.items() if Path(path).suffix in SOURCE}


def module_of(path):
    prefixes = [prefix for prefix in MODULES if path.startswith(prefix)]
    return MODULES[max(prefixes, key=len)] if prefixes else None


def includes_of(text):
    for number, line in enumerate(text.splitlines(), 1):
        found = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
        if found:
            yield number, found.group(1), found.group(2)


def without_comments_and_texts(text):
    """The code alone, every line kept where it was."""
    def blank(match):
        return re.sub(r"[^\n]", " ", match.group(0))
    raw_text = r'R"(?P<mark>[^\s()\\]{0,16})\((?:.|\n)*?\)(?P=mark)"'
    return re.sub(raw_text + r'|//[^\n]*|/\*(?:.|\n)*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'', blank, text)


def check_layers(tree):
    for path, text in tree.sources().items():
        module = module_of(path)
        for line, _, target in includes_of(text) if module else ():
            other = module_of(target)
            if other and other != module and other not in LAYERS[module]:
                yield Problem(path, line, f"{module} may not include {other} ({target})")


def check_includes_from_root(tree):
    for path, text in tree.sources().items():
        for line, quote, target in includes_of(text):
            if quote == '"' and target not in tree.files and not target.endswith(".inc"):
                yield Problem(path, line, f'"{target}" is no path from the root of the project')


def check_homes(tree):
    for path, text in tree.sources().items():
        for line, quote, target in includes_of(text):
            for library, (pattern, homes) in HOMES.items():
                outside = quote == "<" and re.match(pattern, target)
                at_home = path.startswith(tuple(homes)) or (path.startswith("tests/") and library in HOMES_OF_TESTS)
                if outside and not at_home:
                    yield Problem(path, line, f"{library} is included only by {', '.join(homes)}")


def check_links(tree):
    for path, text in tree.files.items():
        if Path(path).name != "CMakeLists.txt" or path.startswith("tests/"):
            continue
        for found in re.finditer(r"signalbox_layer\(([^)]*)\)", text):
            line = text.count("\n", 0, found.start()) + 1
            yield from links_of_layer(path, line, found.group(1).split())


def links_of_layer(path, line, words):
    name, section = "", ""
    for word in words:
        if word in ("NAME", "SOURCES", "LINK", "PRIVATE_LINK", "PCH"):
            section = word
        elif section == "NAME":
            name = word
            if name not in LAYERS:
                yield Problem(path, line, f"layer {name} is unknown to tests/tidy")
                return
        elif section in ("LINK", "PRIVATE_LINK"):
            if word in LAYERS:
                if word not in LAYERS[name]:
                    yield Problem(path, line, f"{name} may not link {word}")
            elif name not in LINKS.get(word, set()):
                yield Problem(path, line, f"{name} may not link {word}: it is not that library's home")


def check_headers(tree):
    for path, text in tree.sources().items():
        if not path.endswith(".h"):
            continue
        if "#pragma once" not in text.splitlines()[:1]:
            yield Problem(path, 1, "a header begins with #pragma once")
        if not re.match(r"#pragma once\n/// \S.*", text):
            yield Problem(path, 2, "a header's second line says its purpose: /// …")
        code = without_comments_and_texts(text)
        for number, line in enumerate(code.splitlines(), 1):
            if re.search(r"\busing\s+namespace\b", line):
                yield Problem(path, number, "no `using namespace` in a header")
            if re.search(r"(?<!operator )\bnew\s+[A-Za-z_:(]", line):
                yield Problem(path, number, "no `new` in a header")


def check_texts(tree):
    marks = re.compile(r"\b(TODO|FIXME|XXX)\b")
    machine = re.compile(r"(?<![\w.~:/-])/(home|root|Users|work|mnt|media)/[\w.-]+")
    for path, text in tree.files.items():
        if path.startswith(EXEMPT):
            continue
        for number, line in enumerate(text.splitlines(), 1):
            if marks.search(line):
                yield Problem(path, number, "do it, or say it in an issue: no marks for later")
            if machine.search(line):
                yield Problem(path, number, "a path of one machine")
            if "\t" in line:
                yield Problem(path, number, "a tab")
        if text and not text.endswith("\n"):
            yield Problem(path, text.count("\n") + 1, "the last line does not end")


def check_format(tree):
    sources = sorted(tree.sources())
    program = clang_format()
    if not program or not sources:
        print(f"tidy: no clang-format {CLANG_FORMAT_MAJOR} here, the layout was not checked", file=sys.stderr)
        return
    run = subprocess.run([program, "--dry-run", "-Werror", "--style=file", *sources], cwd=tree.root,
                         capture_output=True, text=True)
    found = re.findall(r"^(.+?):(\d+):\d+: error: code should be clang-formatted", run.stderr, re.MULTILINE)
    first = {}
    for path, line in found:
        first.setdefault(path, int(line))
    for path, line in first.items():
        yield Problem(path, line, "not as clang-format lays it out")
    if run.returncode != 0 and not found:
        yield Problem(".clang-format", 1, run.stderr.strip().splitlines()[0])


def clang_format():
    for name in (f"clang-format-{CLANG_FORMAT_MAJOR}", "clang-format"):
        program = shutil.which(name)
        if program:
            version = subprocess.run([program, "--version"], capture_output=True, text=True).stdout
            if re.search(rf"version {CLANG_FORMAT_MAJOR}\.", version):
                return program
    return None


CHECKS = [check_layers, check_includes_from_root, check_homes, check_links, check_headers, check_texts]


def problems_of(tree, checks):
    return [problem for check in checks for problem in check(tree)]


def main():
    here = Path(__file__).resolve().parents[2]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", nargs="?", default=here, help="the project's folder")
    parser.add_argument("--no-format", action="store_true", help="leave clang-format out")
    arguments = parser.parse_args()
    tree = Tree(arguments.root)
    problems = problems_of(tree, CHECKS if arguments.no_format else CHECKS + [check_format])
    for problem in problems:
        print(problem)
    print(f"tidy: {len(tree.files)} files, {len(problems)} problems", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
