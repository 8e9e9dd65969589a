#include "engine/app/checkpoint_sink.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "engine/app/support.h"
#include "engine/store/url.h"

namespace engine::app {
namespace {

constexpr std::size_t key_bytes_max = 64 * 1024;
constexpr std::size_t chunk_bytes = 1024 * 1024;

Error failure(const std::string& what, const std::string& path) {
    return unavailable("cannot " + what + " " + path + ": " + std::strerror(errno));
}

/// Closes the file when it goes.
class File {
public:
    File(const std::string& path, int flags, mode_t mode = 0600)
        : descriptor_(::open(path.c_str(), flags | O_CLOEXEC, mode)) {}
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    ~File() {
        if (descriptor_ >= 0) ::close(descriptor_);
    }
    explicit operator bool() const { return descriptor_ >= 0; }
    int descriptor() const { return descriptor_; }

private:
    int descriptor_;
};

bool write_all(int file, std::string_view bytes) {
    while (!bytes.empty()) {
        const auto written = ::write(file, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
}

/// A new file's name must be as durable as its content.
Result<void> sync_folder_of(const std::string& path) {
    auto folder = std::filesystem::path(path).parent_path().string();
    if (folder.empty()) folder = ".";
    const File file(folder, O_RDONLY | O_DIRECTORY);
    if (!file || ::fsync(file.descriptor()) != 0) return failure("make durable", folder);
    return {};
}

Result<void> write_new(const std::string& path, const std::string& text, mode_t mode) {
    const File file(path, O_WRONLY | O_CREAT | O_EXCL, mode);
    if (!file || !write_all(file.descriptor(), text) || ::fsync(file.descriptor()) != 0)
        return failure("write", path);
    return sync_folder_of(path);
}

Result<SigningKey> make_key(const std::string& path) {
    auto key = SigningKey::generate();
    if (auto written = write_new(path, key.to_pem(), 0600); !written) return written.error();
    std::error_code ignored;
    std::filesystem::remove(path + ".pub", ignored);
    if (auto written = write_new(path + ".pub", key.verifying_key().to_pem(), 0644); !written)
        return written.error();
    return key;
}

}  // namespace

std::string default_sink(const std::string& store_url) {
    const auto parsed = parse_store_url(store_url);
    if (!parsed || parsed->in_memory()) return "";
    const bool is_file = parsed->backend == StoreUrl::Backend::sqlite;
    return is_file ? parsed->location + ".checkpoints" : "signalbox.checkpoints";
}

std::string default_key(const std::string& sink) {
    return sink + ".key";
}

Result<SigningKey> load_or_make_key(const std::string& path) {
    if (::access(path.c_str(), F_OK) != 0 && errno == ENOENT) return make_key(path);
    const auto text = read_input(path, key_bytes_max);
    if (!text) return unavailable(text.error().message);
    auto key = SigningKey::from_pem(*text);
    if (!key) return invalid(path + ": " + key.error().message);
    return key;
}

Result<VerifyingKey> load_public_key(const std::string& path) {
    const auto text = read_input(path, key_bytes_max);
    if (!text) return unavailable(text.error().message);
    auto key = VerifyingKey::from_pem(*text);
    if (!key) return invalid(path + ": " + key.error().message);
    return key;
}

Result<CheckpointSink> CheckpointSink::open(const std::string& path) {
    CheckpointSink sink(path);
    const File file(path, O_RDONLY);
    if (!file && errno == ENOENT) return sink;
    if (!file) return failure("read", path);
    if (auto read = sink.catch_up(file.descriptor()); !read) return read.error();
    return sink;
}

void CheckpointSink::notice_another_file(int file) {
    struct stat about {};
    if (::fstat(file, &about) != 0) return;
    const std::pair<std::uint64_t, std::uint64_t> found(about.st_dev, about.st_ino);
    const bool is_shorter = static_cast<std::uint64_t>(about.st_size) < read_;
    if (found != file_ || is_shorter) read_ = 0;
    file_ = found;
}

/// Reads the whole lines that are not known yet.
Result<void> CheckpointSink::catch_up(int file) {
    notice_another_file(file);
    std::string rest;
    std::string chunk(chunk_bytes, '\0');
    auto at = read_;
    while (true) {
        const auto got = ::pread(file, chunk.data(), chunk.size(), static_cast<off_t>(at));
        if (got < 0) return failure("read", path_);
        if (got == 0) return {};
        at += static_cast<std::uint64_t>(got);
        rest.append(chunk, 0, static_cast<std::size_t>(got));
        for (auto end = rest.find('\n'); end != std::string::npos; end = rest.find('\n')) {
            if (auto taken = take(std::string_view(rest).substr(0, end)); !taken) return taken;
            read_ += end + 1;
            rest.erase(0, end + 1);
        }
    }
}

Result<void> CheckpointSink::take(std::string_view line) {
    const auto parsed = parse_signed_line(line);
    if (!parsed)
        return Error{Code::corrupt, path_ + ": the line after checkpoint " + std::to_string(number_) +
                                        " is no checkpoint: " + parsed.error().message};
    const auto& checkpoint = parsed->checkpoint;
    number_ = checkpoint.number;
    digest_ = line_digest(line);
    if (checkpoint.rollback)
        std::erase_if(last_, [&](const auto& one) { return one.first.first == checkpoint.tenant.text(); });
    for (const auto& head : checkpoint.heads)
        last_[{checkpoint.tenant.text(), head.stream}] = {{checkpoint.number, head.seq, head.hash}};
    return {};
}

Result<bool> CheckpointSink::append(const TenantName& tenant, const std::vector<StreamHead>& heads,
                                    bool rollback, Instant now, const SigningKey& key) {
    const bool is_new = ::access(path_.c_str(), F_OK) != 0;
    const File file(path_, O_RDWR | O_CREAT);
    if (!file) return failure("open", path_);
    if (::flock(file.descriptor(), LOCK_EX) != 0) return failure("lock", path_);
    if (auto read = catch_up(file.descriptor()); !read) return read.error();
    Checkpoint checkpoint{number_ + 1, now, tenant, rollback, {}, digest_};
    for (const auto& head : heads) {
        const auto known = last_.find({tenant.text(), head.stream});
        const auto before = known == last_.end() ? SignedHead{} : known->second.back();
        if (!rollback && head.seq < before.seq)
            return Error{Code::corrupt, "stream " + head.stream + " of tenant " + tenant.text() +
                                            " ends at " + std::to_string(head.seq) + ", but " +
                                            std::to_string(before.seq) + " was signed"};
        if (head.seq > 0 && (rollback || head.seq > before.seq)) checkpoint.heads.push_back(head);
    }
    if (checkpoint.heads.empty() && !rollback) return false;
    const auto line = signed_line(checkpoint, key);
    if (auto written = write(file.descriptor(), line + "\n"); !written) return written.error();
    if (is_new)
        if (auto synced = sync_folder_of(path_); !synced) return synced.error();
    read_ += line.size() + 1;
    if (auto taken = take(line); !taken) return taken.error();
    return true;
}

/// What follows the last whole line was never said to be durable, so it is overwritten.
Result<void> CheckpointSink::write(int file, const std::string& line) {
    const auto end = static_cast<off_t>(read_);
    if (::ftruncate(file, end) != 0 || ::lseek(file, end, SEEK_SET) != end || !write_all(file, line) ||
        ::fsync(file) != 0)
        return failure("write", path_);
    return {};
}

Result<std::vector<Rollback>> find_rollbacks(Store& store, const CheckpointSink& sink) {
    std::vector<Rollback> found;
    for (const auto& [stream, heads] : sink.last_heads()) {
        const TenantName tenant(stream.first);
        const auto& head = heads.back();
        const auto row = store.record(tenant, stream.second, head.seq);
        if (!row) return row.error();
        if (*row && (*row)->hash == head.hash) continue;
        const auto stored = store.streams(tenant);
        if (!stored) return stored.error();
        StreamHead now;
        for (const auto& one : *stored)
            if (one.stream == stream.second) now = one;
        // What retention took away was as signed when it went, and the last row of it is known still.
        const bool is_gone =
            head.seq < now.detached_seq || (head.seq == now.detached_seq && head.hash == now.detached_hash);
        if (is_gone) continue;
        found.push_back({tenant, stream.second, head.seq, *row ? head.seq : std::min(now.seq, head.seq)});
    }
    return found;
}

}  // namespace engine::app
