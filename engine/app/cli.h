#pragma once
/// The command line: `signalbox <command> …`. Data goes to stdout, messages to stderr.

namespace engine::app {

/// Exit codes; part of the outer contract.
namespace exit_code {
inline constexpr int ok = 0;
inline constexpr int failed = 1;  ///< a check failed, or differences were found
inline constexpr int usage = 2;
inline constexpr int bad_data = 65;
inline constexpr int unavailable = 69;
inline constexpr int input_output = 74;  ///< the store's state is in doubt; start again
inline constexpr int settings = 78;
}  // namespace exit_code

int run(int argc, char** argv);

}  // namespace engine::app
