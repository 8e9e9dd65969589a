#!/usr/bin/env python3
"""Tests tidy.py: each rule is shown a small tree that breaks it and one that does not."""
import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True  # the sources' folder stays as it is
import tidy  # noqa: E402

HEADER = "#pragma once\n/// Says something.\n"


class Tidy(unittest.TestCase):
    def tree_of(self, files):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        for path, text in files.items():
            file = Path(folder.name, path)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        return tidy.Tree(folder.name)

    def found(self, check, files):
        return [(problem.path, problem.line) for problem in check(self.tree_of(files))]

    def messages(self, check, files):
        return " | ".join(problem.message for problem in check(self.tree_of(files)))

    def test_an_include_downwards_is_fine(self):
        self.assertEqual([], self.found(tidy.check_layers, {
            "engine/pipeline/lane.cpp": '#include "engine/store/store.h"\n#include "rules/rule_set.h"\n',
            "engine/app/main.cpp": '#include "engine/http/server.h"\n#include "engine/store/sqlite/open.h"\n',
            "rules/language/load.cpp": '#include "rules/evaluator/template.h"\n',
            "tests/unit/base/time.cpp": '#include "engine/app/main.h"\n'}))

    def test_an_include_upwards_is_found(self):
        self.assertEqual([("engine/base/time.cpp", 2)], self.found(tidy.check_layers, {
            "engine/base/time.cpp": '#include <string>\n#include "engine/model/event.h"\n'}))
        self.assertEqual([("rules/evaluator/decide.cpp", 1)], self.found(tidy.check_layers, {
            "rules/evaluator/decide.cpp": '#include "rules/language/load.h"\n'}))

    def test_an_include_of_a_neighbour_is_found(self):
        self.assertIn("rules may not include connectors", self.messages(tidy.check_layers, {
            "rules/evaluator/decide.cpp": '#include "connectors/kit/connector.h"\n'}))
        self.assertIn("store_sqlite may not include pipeline", self.messages(tidy.check_layers, {
            "engine/store/sqlite/open.cpp": '#include "engine/pipeline/engine.h"\n'}))
        self.assertIn("store may not include store_sqlite", self.messages(tidy.check_layers, {
            "engine/store/verify.cpp": '#include "engine/store/sqlite/open.h"\n'}))

    def test_an_include_that_is_no_path_from_the_root_is_found(self):
        files = {"engine/base/json.h": HEADER, "engine/base/json.cpp": '#include "json.h"\n',
                 "engine/base/text.cpp": '#include "engine/base/json.h"\n'}
        self.assertEqual([("engine/base/json.cpp", 1)], self.found(tidy.check_includes_from_root, files))

    def test_a_library_away_from_home_is_found(self):
        self.assertEqual([("engine/http/server.cpp", 1)], self.found(tidy.check_homes, {
            "engine/http/server.cpp": "#include <nlohmann/json.hpp>\n",
            "engine/base/json.h": "#include <nlohmann/json.hpp>\n"}))
        for line in ("<yaml-cpp/yaml.h>", "<openssl/sha.h>", "<spdlog/spdlog.h>", "<re2/re2.h>", "<sqlite3.h>",
                     "<pqxx/pqxx>", "<lua.hpp>", "<boost/asio.hpp>", "<CLI/CLI.hpp>", "<catch2/catch.hpp>", "<zlib.h>"):
            self.assertEqual([("engine/model/event.cpp", 1)], self.found(tidy.check_homes, {
                "engine/model/event.cpp": f"#include {line}\n"}), line)

    def test_a_library_at_home_is_fine(self):
        self.assertEqual([], self.found(tidy.check_homes, {
            "engine/base/yaml.cpp": "#include <yaml-cpp/yaml.h>\n",
            "connectors/kit/http_client_tls.cpp": "#include <openssl/ssl.h>\n#include <boost/asio/ssl.hpp>\n",
            "engine/store/sqlite/open.cpp": "#include <sqlite3.h>\n",
            "tests/support/catch.h": "#include <catch2/catch.hpp>\n",
            "tests/conformance/store/spoil.cpp": "#include <sqlite3.h>\n",
            "engine/base/text.cpp": "#include <string>\n#include <relative>\n"}))

    def test_a_test_includes_the_frameworks_only_through_their_homes(self):
        self.assertEqual([("tests/unit/base/a.cpp", 1), ("tests/unit/base/a.cpp", 2)], self.found(tidy.check_homes, {
            "tests/unit/base/a.cpp": "#include <catch2/catch.hpp>\n#include <nlohmann/json.hpp>\n"}))

    def test_a_link_upwards_or_sideways_is_found(self):
        self.assertIn("rules may not link store", self.messages(tidy.check_links, {
            "rules/CMakeLists.txt": "signalbox_layer(NAME rules SOURCES ${s} LINK model store)\n"}))
        self.assertIn("base may not link model", self.messages(tidy.check_links, {
            "engine/base/CMakeLists.txt": "signalbox_layer(NAME base SOURCES a.cpp PRIVATE_LINK model)\n"}))

    def test_a_library_linked_away_from_home_is_found(self):
        self.assertIn("http may not link SQLite::SQLite3", self.messages(tidy.check_links, {
            "engine/http/CMakeLists.txt": "signalbox_layer(NAME http LINK pipeline SQLite::SQLite3)\n"}))
        self.assertIn("base may not link Unheard::Of", self.messages(tidy.check_links, {
            "engine/base/CMakeLists.txt": "signalbox_layer(NAME base LINK Unheard::Of)\n"}))
        self.assertIn("unknown", self.messages(tidy.check_links, {
            "engine/new/CMakeLists.txt": "signalbox_layer(NAME new LINK base)\n"}))

    def test_links_that_follow_the_layers_are_fine(self):
        self.assertEqual([], self.found(tidy.check_links, {
            "engine/store/CMakeLists.txt": "signalbox_layer(NAME store SOURCES ${a} LINK model PCH <nlohmann/json.hpp>)\n"
                                           "signalbox_layer(NAME store_sqlite SOURCES ${b}\n"
                                           "    LINK store PRIVATE_LINK SQLite::SQLite3)\n"}))

    def test_a_header_without_guard_or_purpose_is_found(self):
        self.assertEqual([], self.found(tidy.check_headers, {"engine/base/a.h": HEADER}))
        self.assertEqual(2, len(self.found(tidy.check_headers, {"engine/base/a.h": "/// Purpose.\nint a;\n"})))
        self.assertEqual([("engine/base/a.h", 2)], self.found(tidy.check_headers, {
            "engine/base/a.h": "#pragma once\n#include <string>\n"}))
        self.assertEqual(2, len(self.found(tidy.check_headers, {"engine/base/a.h": ""})))

    def test_new_and_using_namespace_in_a_header_are_found(self):
        self.assertEqual([("engine/base/a.h", 3)], self.found(tidy.check_headers, {
            "engine/base/a.h": HEADER + "using namespace std;\n"}))
        self.assertEqual([("engine/base/a.h", 4)], self.found(tidy.check_headers, {
            "engine/base/a.h": HEADER + "\ninline int* a() { return new int; }\n"}))

    def test_new_in_a_comment_or_a_text_is_fine(self):
        self.assertEqual([], self.found(tidy.check_headers, {
            "engine/base/a.h": HEADER + '/// a new one\n/* new two\n   new three */\nauto a = "new four"; // new five\n'
                                        'auto b = R"(new "six)";\nint new_seven = 0;\n'}))
        self.assertEqual([], self.found(tidy.check_headers, {
            "engine/base/a.h": HEADER + "auto big = 1'000'000; auto c = '\"'; int news = 1; // new\n"}))

    def test_marks_tabs_machine_paths_and_an_open_end_are_found(self):
        for text in ("// TODO later\n", "# FIXME\n", "XXX\n", "a\tb\n", "cd /home/somebody/x\n", "at /work/tree\n", "open"):
            self.assertEqual([("a.md", 1)], self.found(tidy.check_texts, {"a.md": text}), text)

    def test_ordinary_words_and_addresses_are_fine(self):
        self.assertEqual([], self.found(tidy.check_texts, {
            "a.md": "TODOS and MAXXX\nhttps://example.com/home/page\nsqlite:////var/lib/signalbox.db\n/v1/{tenant}/hooks\n",
            "build/a.md": "TODO\n", ".git/x": "a\tb"}))

    def test_code_that_is_not_formatted_is_found(self):
        if not tidy.clang_format():
            self.skipTest("no clang-format of the version in use")
        style = "BasedOnStyle: Google\nIndentWidth: 4\n"
        self.assertEqual([("a.cpp", 1)], self.found(tidy.check_format, {
            ".clang-format": style, "a.cpp": "int   a( ) {return 1;}\n", "b.cpp": "int b() { return 1; }\n"}))


if __name__ == "__main__":
    unittest.main()
