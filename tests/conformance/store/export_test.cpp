#include <cstdlib>
#include <fstream>
#include <functional>
#include <sstream>

#include "tests/conformance/store/support.h"

namespace export_test {

using namespace engine;
using namespace store_tests;

namespace {

/// A verifier that docs/reference/journal.md shows, the first or the second; tests run in the root of the
/// project.
std::string documented_verifier(int which = 1) {
    std::ifstream file("docs/reference/journal.md");
    std::stringstream text;
    text << file.rdbuf();
    const std::string page = text.str();
    auto begin = page.find("```python\n");
    for (int i = 1; i < which; ++i) begin = page.find("```python\n", begin + 1);
    const auto end = page.find("\n```", begin);
    REQUIRE(begin != std::string::npos);
    REQUIRE(end != std::string::npos);
    return page.substr(begin + 10, end - begin - 9);
}

std::vector<Json> lines_of(Store& store) {
    std::vector<Json> lines;
    for (const auto& head : need(store.streams(acme)))
        for (const auto& record : rows_of(store, acme, head.stream)) lines.push_back(export_line(record));
    return lines;
}

/// The verifier's exit status over the lines.
int verdict(const Folder& folder, const std::vector<Json>& lines) {
    std::ofstream(folder.file("verify.py")) << documented_verifier();
    std::ofstream out(folder.file("export.jsonl"));
    for (const auto& line : lines) out << line.dump() << "\n";
    out.close();
    return std::system(("python3 " + folder.file("verify.py") + " < " + folder.file("export.jsonl") + " > " +
                        folder.file("heads.txt") + " 2> /dev/null")
                           .c_str());
}

void fill(Store& store) {
    for (int i = 0; i < 20; ++i) {
        Step step = decided_step("e" + std::to_string(i) + " \xC3\xA9\xF0\x9F\x8E\x89\x01\"\\/\x7F",
                                 "ticket/\xE2\x82\xAC" + std::to_string(i % 3), i);
        step.records[1].entity_version = i == 7 ? (std::uint64_t{1} << 53) + 1 : 3;
        step.records[1].body = R"({"text":"é €","n":1.5})";
        step.records.push_back(record_of("activation", "", "{}", control_stream));
        need(commit(store, step));
    }
}

}  // namespace

TEST_CASE("export: the documented verifier accepts an export and prints its heads", "[store][python]") {
    if (std::system("python3 -c '' 2> /dev/null") != 0) return;
    const auto backend = GENERATE(from_range(all_backends()));
    INFO(backend.name);
    OpenStore store(backend);
    fill(*store);
    Folder folder;
    REQUIRE(verdict(folder, lines_of(*store)) == 0);

    std::string expected;
    for (const auto& head : need(store->streams(acme)))
        expected +=
            "acme " + head.stream + " " + std::to_string(head.seq) + " " + to_hex(bytes_of(head.hash)) + "\n";
    std::ifstream heads(folder.file("heads.txt"));
    std::stringstream printed;
    printed << heads.rdbuf();
    CHECK(printed.str() == expected);
}

TEST_CASE("export: the documented verifier refuses what was changed, and accepts an erased body",
          "[store][python]") {
    if (std::system("python3 -c '' 2> /dev/null") != 0) return;
    OpenStore store(all_backends().back());
    fill(*store);
    Folder folder;
    auto lines = lines_of(*store);

    SECTION("an erased body") {
        lines[5]["body"] = nullptr;
        lines[5]["salt"] = "";
        CHECK(verdict(folder, lines) == 0);
    }
    SECTION("a changed body") {
        lines[5]["body"] = R"({"x":1})";
        CHECK(verdict(folder, lines) != 0);
    }
    SECTION("a changed column") {
        lines[5]["actor"] = "mallory";
        CHECK(verdict(folder, lines) != 0);
    }
    SECTION("a removed row") {
        lines.erase(lines.begin() + 5);
        CHECK(verdict(folder, lines) != 0);
    }
    SECTION("exchanged rows") {
        std::swap(lines[5], lines[6]);
        CHECK(verdict(folder, lines) != 0);
    }
}

TEST_CASE("export: the documented verifier of checkpoints accepts what was signed and nothing else",
          "[store][python]") {
    if (std::system("python3 -c '' 2> /dev/null") != 0 || std::system("openssl version > /dev/null") != 0)
        return;
    OpenStore store(all_backends().back());
    Folder folder;
    const auto key = SigningKey::generate();
    std::ofstream(folder.file("key.pub")) << key.verifying_key().to_pem();
    std::vector<std::string> checkpoints;
    const auto sign = [&](bool rollback) {
        const Checkpoint checkpoint{
            checkpoints.size() + 1,
            at(static_cast<int>(checkpoints.size())),
            acme,
            rollback,
            need(store->streams(acme)),
            checkpoints.empty() ? std::string(64, '0') : line_digest(checkpoints.back())};
        checkpoints.push_back(signed_line(checkpoint, key));
    };
    fill(*store);
    sign(false);
    need(commit(*store, decided_step("last", "ticket/1", 99)));
    sign(false);
    auto lines = lines_of(*store);
    const auto accepts = [&] {
        std::ofstream(folder.file("verify.py")) << documented_verifier(2);
        std::ofstream sink(folder.file("sink"));
        for (const auto& line : checkpoints) sink << line << "\n";
        sink << "{\"torn";
        std::ofstream out(folder.file("export.jsonl"));
        for (const auto& line : lines) out << line.dump() << "\n";
        sink.close();
        out.close();
        return std::system(("python3 " + folder.file("verify.py") + " " + folder.file("sink") + " " +
                            folder.file("key.pub") + " " + folder.file("export.jsonl") +
                            " > /dev/null 2> /dev/null")
                               .c_str()) == 0;
    };
    REQUIRE(accepts());
    SECTION("a journal that is too short") {
        lines.pop_back();
        CHECK_FALSE(accepts());
    }
    SECTION("another hash at a signed head") {
        lines.back()["hash"] = std::string(64, 'a');
        CHECK_FALSE(accepts());
    }
    SECTION("a checkpoint that was changed") {
        checkpoints[0].replace(checkpoints[0].find("acme"), 4, "evil");
        CHECK_FALSE(accepts());
    }
    SECTION("a checkpoint that was removed") {
        checkpoints.erase(checkpoints.begin());
        CHECK_FALSE(accepts());
    }
    SECTION("a rollback that was signed") {
        sign(true);
        CHECK(accepts());
    }
}

}  // namespace export_test
