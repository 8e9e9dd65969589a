#include "engine/base/ed25519.h"

#include "engine/base/hash.h"
#include "tests/support/catch.h"

namespace ed25519_test {

using namespace engine;

TEST_CASE("Ed25519: a known signature of RFC 8032 verifies, and nothing else does", "[base]") {
    // Test 2 of RFC 8032, 7.1, its public key wrapped as SubjectPublicKeyInfo (RFC 8410).
    const auto der =
        *from_hex("302a300506032b65700321003d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
    const auto key = VerifyingKey::from_pem("-----BEGIN PUBLIC KEY-----\n" + to_base64(der) +
                                            "\n-----END PUBLIC KEY-----\n");
    REQUIRE(key);
    auto signature = *from_hex(
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00");
    CHECK(key->verifies("\x72", signature));
    CHECK_FALSE(key->verifies("\x73", signature));
    CHECK_FALSE(key->verifies("\x72", signature.substr(1)));
    signature[5] ^= 1;
    CHECK_FALSE(key->verifies("\x72", signature));
    CHECK(key->id() == to_hex(bytes_of(sha256(der.substr(12)))).substr(0, 16));
}

TEST_CASE("Ed25519: keys come back from PEM, and what is no key is refused", "[base]") {
    const auto key = SigningKey::generate();
    const auto again = SigningKey::from_pem(key.to_pem());
    REQUIRE(again);
    const auto open = VerifyingKey::from_pem(key.verifying_key().to_pem());
    REQUIRE(open);
    CHECK(open->id() == key.verifying_key().id());
    CHECK(open->verifies("message", again->sign("message")));
    CHECK_FALSE(SigningKey::generate().verifying_key().verifies("message", again->sign("message")));
    for (const std::string text :
         {"", "nonsense", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"}) {
        CHECK_FALSE(SigningKey::from_pem(text));
        CHECK_FALSE(VerifyingKey::from_pem(text));
    }
    CHECK_FALSE(SigningKey::from_pem(key.verifying_key().to_pem()));
}

}  // namespace ed25519_test
