#pragma once
/// Ed25519 (RFC 8032): keys as PEM files hold them, signatures, and their verification.

#include <memory>
#include <string>
#include <string_view>

#include "engine/base/result.h"

namespace engine {

/// An OpenSSL key, freed with its last copy; immutable, so any thread may use it.
using Ed25519Handle = std::shared_ptr<void>;

class VerifyingKey {
public:
    /// Reads `-----BEGIN PUBLIC KEY-----` (SubjectPublicKeyInfo). Fails with invalid_input.
    static Result<VerifyingKey> from_pem(std::string_view pem);
    std::string to_pem() const;
    /// The first 16 hex digits of SHA-256 of the raw public key.
    const std::string& id() const { return id_; }
    /// `signature` are 64 raw bytes.
    bool verifies(std::string_view message, std::string_view signature) const;

private:
    friend class SigningKey;
    explicit VerifyingKey(Ed25519Handle key);
    Ed25519Handle key_;
    std::string id_;
};

class SigningKey {
public:
    static SigningKey generate();
    /// Reads `-----BEGIN PRIVATE KEY-----` (PKCS#8, not encrypted). Fails with invalid_input.
    static Result<SigningKey> from_pem(std::string_view pem);
    /// A secret.
    std::string to_pem() const;
    VerifyingKey verifying_key() const { return VerifyingKey(key_); }
    /// 64 raw bytes.
    std::string sign(std::string_view message) const;

private:
    explicit SigningKey(Ed25519Handle key) : key_(std::move(key)) {}
    Ed25519Handle key_;
};

}  // namespace engine
