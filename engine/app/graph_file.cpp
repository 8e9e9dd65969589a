#include "engine/app/graph_file.h"

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>

#include "engine/app/scratch_folder.h"

extern char** environ;

namespace engine::app {
namespace {

Result<void> write_text(const std::string& path, const std::string& text) {
    std::ofstream out(path, std::ios::binary | std::ios::trunc);
    out << text;
    out.close();
    if (!out) return unavailable("cannot write " + path);
    return {};
}

/// `dot -Tsvg -o path from`; without a shell, so that paths are only paths.
Result<void> draw(const std::string& from, const std::string& path) {
    std::string program = "dot", format = "-Tsvg", into = "-o" + path, source = from;
    char* const arguments[] = {program.data(), format.data(), into.data(), source.data(), nullptr};
    pid_t child = 0;
    if (const int failed = posix_spawnp(&child, "dot", nullptr, nullptr, arguments, environ); failed != 0)
        return unavailable("an SVG is drawn by Graphviz's dot, which cannot be run (" +
                           std::string(std::strerror(failed)) +
                           "): install graphviz, or name a file ending .dot");
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) return unavailable("dot could not draw " + path);
    return {};
}

}  // namespace

Result<void> write_graph(const std::string& path, const std::string& graph) {
    if (path.ends_with(".dot")) return write_text(path, graph);
    if (!path.ends_with(".svg")) return invalid("--graph " + path + ": name a file ending .dot or .svg");
    const auto folder = ScratchFolder::make();
    if (!folder) return folder.error();
    const auto source = (folder->path() / "graph.dot").string();
    if (auto written = write_text(source, graph); !written) return written;
    return draw(source, path);
}

}  // namespace engine::app
