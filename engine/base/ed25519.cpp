#include "engine/base/ed25519.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <array>

#include "engine/base/ensure.h"
#include "engine/base/hash.h"

namespace engine {
namespace {

constexpr std::size_t raw_key_bytes = 32;
constexpr std::size_t signature_bytes = 64;

using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;
using Context = std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)>;

EVP_PKEY* key_in(const Ed25519Handle& handle) {
    return static_cast<EVP_PKEY*>(handle.get());
}

Ed25519Handle owned(EVP_PKEY* key) {
    return {key, [](void* freed) { EVP_PKEY_free(static_cast<EVP_PKEY*>(freed)); }};
}

Bio reading(std::string_view text) {
    return {BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), BIO_free};
}

std::string text_in(const Bio& bio) {
    char* bytes = nullptr;
    const auto size = BIO_get_mem_data(bio.get(), &bytes);
    return {bytes, static_cast<std::size_t>(size)};
}

/// Nobody is asked for a password: a daemon has nobody to ask.
int no_password(char*, int, int, void*) {
    return -1;
}

Result<Ed25519Handle> checked(EVP_PKEY* key, const char* what) {
    ERR_clear_error();
    if (key == nullptr) return invalid(std::string("this is no ") + what + " in PEM");
    auto handle = owned(key);
    if (EVP_PKEY_id(key) != EVP_PKEY_ED25519) return invalid("the key is no Ed25519 key");
    return handle;
}

std::string id_of(EVP_PKEY* key) {
    std::array<unsigned char, raw_key_bytes> bytes;
    std::size_t size = bytes.size();
    ENSURE(EVP_PKEY_get_raw_public_key(key, bytes.data(), &size) == 1);
    const auto digest = sha256(std::string_view(reinterpret_cast<const char*>(bytes.data()), size));
    return to_hex(bytes_of(digest)).substr(0, 16);
}

}  // namespace

VerifyingKey::VerifyingKey(Ed25519Handle key) : key_(std::move(key)), id_(id_of(key_in(key_))) {}

Result<VerifyingKey> VerifyingKey::from_pem(std::string_view pem) {
    const auto bio = reading(pem);
    auto key = checked(PEM_read_bio_PUBKEY(bio.get(), nullptr, no_password, nullptr), "public key");
    if (!key) return key.error();
    return VerifyingKey(*std::move(key));
}

std::string VerifyingKey::to_pem() const {
    const Bio bio(BIO_new(BIO_s_mem()), BIO_free);
    ENSURE(PEM_write_bio_PUBKEY(bio.get(), key_in(key_)) == 1);
    return text_in(bio);
}

bool VerifyingKey::verifies(std::string_view message, std::string_view signature) const {
    if (signature.size() != signature_bytes) return false;
    const Context context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
    ENSURE(EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key_in(key_)) == 1);
    const int fits =
        EVP_DigestVerify(context.get(), octets(signature), signature.size(), octets(message), message.size());
    ERR_clear_error();
    return fits == 1;
}

SigningKey SigningKey::generate() {
    auto* key = EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
    ENSURE(key != nullptr);
    return SigningKey(owned(key));
}

Result<SigningKey> SigningKey::from_pem(std::string_view pem) {
    const auto bio = reading(pem);
    auto key = checked(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_password, nullptr),
                       "private key without a password");
    if (!key) return key.error();
    return SigningKey(*std::move(key));
}

std::string SigningKey::to_pem() const {
    const Bio bio(BIO_new(BIO_s_mem()), BIO_free);
    ENSURE(PEM_write_bio_PKCS8PrivateKey(bio.get(), key_in(key_), nullptr, nullptr, 0, nullptr, nullptr) ==
           1);
    return text_in(bio);
}

std::string SigningKey::sign(std::string_view message) const {
    const Context context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
    std::array<unsigned char, signature_bytes> bytes;
    std::size_t size = bytes.size();
    ENSURE(EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key_in(key_)) == 1);
    ENSURE(EVP_DigestSign(context.get(), bytes.data(), &size, octets(message), message.size()) == 1);
    return {reinterpret_cast<const char*>(bytes.data()), size};
}

}  // namespace engine
