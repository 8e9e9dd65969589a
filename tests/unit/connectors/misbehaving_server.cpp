#include "tests/unit/connectors/misbehaving_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>

#include "connectors/kit/form.h"
#include "engine/base/ensure.h"

namespace connectors::testing {
namespace {

std::size_t length_in(const std::string& head) {
    std::size_t at = 0;
    while ((at = head.find("\r\n", at)) != std::string::npos) {
        at += 2;
        const auto colon = head.find(':', at);
        if (colon == std::string::npos) break;
        if (same_name(std::string_view(head).substr(at, colon - at), "Content-Length"))
            return std::stoul(head.substr(colon + 1));
    }
    return 0;
}

BIO* bio_of(const std::string& text) {
    return BIO_new_mem_buf(text.data(), static_cast<int>(text.size()));
}

std::string text_of(BIO* bio) {
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio, &data);
    std::string text(data, static_cast<std::size_t>(size));
    BIO_free(bio);
    return text;
}

ssl_ctx_st* make_context(const std::string& certificate, const std::string& key) {
    auto* context = SSL_CTX_new(TLS_server_method());
    BIO* certificate_bio = bio_of(certificate);
    X509* x509 = PEM_read_bio_X509(certificate_bio, nullptr, nullptr, nullptr);
    BIO_free(certificate_bio);
    BIO* key_bio = bio_of(key);
    EVP_PKEY* private_key = PEM_read_bio_PrivateKey(key_bio, nullptr, nullptr, nullptr);
    BIO_free(key_bio);
    ENSURE(SSL_CTX_use_certificate(context, x509) == 1);
    ENSURE(SSL_CTX_use_PrivateKey(context, private_key) == 1);
    X509_free(x509);
    EVP_PKEY_free(private_key);
    return context;
}

}  // namespace

Peer::Peer(int socket, ssl_ctx_st* tls) : socket_(socket) {
    if (tls == nullptr) return;
    tls_ = SSL_new(tls);
    SSL_set_fd(tls_, socket);
    ready_ = SSL_accept(tls_) == 1;
}

Peer::~Peer() {
    if (tls_ != nullptr) SSL_free(tls_);
}

long Peer::receive(char* bytes, std::size_t count) {
    if (!ready_) return 0;
    return tls_ != nullptr ? SSL_read(tls_, bytes, static_cast<int>(count))
                           : ::recv(socket_, bytes, count, 0);
}

std::string Peer::read_request() {
    std::string request;
    char bytes[4096];
    std::size_t whole = 0;
    while (whole == 0 || request.size() < whole) {
        const auto count = receive(bytes, sizeof bytes);
        if (count <= 0) return "";
        request.append(bytes, static_cast<std::size_t>(count));
        const auto head = request.find("\r\n\r\n");
        if (whole == 0 && head != std::string::npos)
            whole = head + 4 + length_in(request.substr(0, head + 2));
    }
    return request;
}

bool Peer::write(std::string_view bytes) {
    while (ready_ && !bytes.empty()) {
        const long count = tls_ != nullptr ? SSL_write(tls_, bytes.data(), static_cast<int>(bytes.size()))
                                           : ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (count <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    return ready_;
}

void Peer::wait_closed() {
    char bytes[4096];
    while (receive(bytes, sizeof bytes) > 0) {
    }
}

void Peer::reset() {
    const linger now{1, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

MisbehavingServer::MisbehavingServer(Script script, const std::string& certificate, const std::string& key)
    : script_(std::move(script)) {
    std::signal(SIGPIPE, SIG_IGN);  // SSL_write has no flag against it
    if (!certificate.empty()) tls_ = make_context(certificate, key);
    listener_ = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ENSURE(::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    ENSURE(::listen(listener_, 64) == 0);
    socklen_t length = sizeof address;
    ENSURE(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length) == 0);
    port_ = ntohs(address.sin_port);
    acceptor_ = std::thread([this] { accept_all(); });
}

MisbehavingServer::~MisbehavingServer() {
    close_door();
    acceptor_.join();
    {
        const std::lock_guard lock(mutex_);
        for (const int socket : sockets_) ::shutdown(socket, SHUT_RDWR);
    }
    for (auto& thread : threads_) thread.join();
    ::close(listener_);
    if (tls_ != nullptr) SSL_CTX_free(tls_);
}

void MisbehavingServer::close_door() {
    stopping_ = true;
    ::shutdown(listener_, SHUT_RDWR);
}

void MisbehavingServer::accept_all() {
    while (!stopping_) {
        const int socket = ::accept(listener_, nullptr, nullptr);
        if (socket < 0) return;
        const int number = connections_++;
        const std::lock_guard lock(mutex_);
        sockets_.push_back(socket);
        threads_.emplace_back([this, socket, number] {
            {
                Peer peer(socket, tls_);
                script_(peer, number);
            }
            const std::lock_guard inner(mutex_);
            std::erase(sockets_, socket);
            ::close(socket);
        });
    }
}

std::string MisbehavingServer::url(const std::string& path) const {
    return (tls_ != nullptr ? "https://localhost:" : "http://127.0.0.1:") + std::to_string(port_) + path;
}

std::string answer(std::string_view body, std::string_view headers) {
    return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
           std::string(headers) + "\r\n" + std::string(body);
}

Certificate make_certificate(const std::string& name, long valid_from, long valid_to) {
    EVP_PKEY* key = EVP_EC_gen("P-256");
    X509* x509 = X509_new();
    X509_set_version(x509, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x509), 1);
    X509_gmtime_adj(X509_getm_notBefore(x509), valid_from);
    X509_gmtime_adj(X509_getm_notAfter(x509), valid_to);
    X509_set_pubkey(x509, key);
    auto* subject = X509_get_subject_name(x509);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
    X509_set_issuer_name(x509, subject);
    auto* extension = X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, ("DNS:" + name).c_str());
    X509_add_ext(x509, extension, -1);
    X509_EXTENSION_free(extension);
    ENSURE(X509_sign(x509, key, EVP_sha256()) > 0);
    BIO* certificate = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(certificate, x509);
    BIO* private_key = BIO_new(BIO_s_mem());
    PEM_write_bio_PrivateKey(private_key, key, nullptr, nullptr, 0, nullptr, nullptr);
    X509_free(x509);
    EVP_PKEY_free(key);
    return {text_of(certificate), text_of(private_key)};
}

}  // namespace connectors::testing
