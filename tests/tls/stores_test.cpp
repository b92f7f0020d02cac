// Certificates and keys out of files and settings, as Java and librdkafka have them, and what is said about bad ones.
#include "support/certificates.hpp"

#include <kurier/tls.hpp>
#include <kurier/tls/transport.hpp>

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include <unistd.h>

using namespace kurier;
using namespace kurier::testing;

namespace {

struct folder
{
    folder() : path{std::filesystem::temp_directory_path() / ("kurier-tls-" + std::to_string(::getpid()))}
    {
        std::filesystem::create_directories(path);
    }
    ~folder() { std::filesystem::remove_all(path); }

    std::string put(const std::string& name, std::string_view content) const
    {
        const auto file = path / name;
        std::ofstream{file, std::ios::binary} << content;
        return file.string();
    }
    std::filesystem::path path;
};

std::string pkcs12(const certificate* own, const std::vector<const certificate*>& others,
                   const char* password)
{
    STACK_OF(X509)* stack = sk_X509_new_null();
    for (const auto* one : others) sk_X509_push(stack, one->x509.get());
    const openssl::pkcs12_ptr made{PKCS12_create(password, "name", own ? own->key.get() : nullptr,
                                                 own ? own->x509.get() : nullptr, stack, 0, 0, 0, 0, 0)};
    sk_X509_free(stack);
    unsigned char* data = nullptr;
    const int size = i2d_PKCS12(made.get(), &data);
    std::string bytes{reinterpret_cast<const char*>(data), static_cast<std::size_t>(size)};
    OPENSSL_free(data);
    return bytes;
}

struct loaded
{
    explicit loaded(const producer_config& config) : setup{openssl::make_setup(config, nullptr, problems)} {}

    int authorities() const { return openssl::count_authorities(setup->context->native_handle()); }
    int chain() const
    {
        STACK_OF(X509)* all = nullptr;
        SSL_CTX_get0_chain_certs(setup->context->native_handle(), &all);
        return all ? sk_X509_num(all) : 0;
    }
    bool has(std::string_view text) const
    {
        for (const auto& problem : problems)
            if (problem.text.find(text) != std::string::npos) return true;
        return false;
    }
    std::string all() const
    {
        std::string joined;
        for (const auto& problem : problems) joined += problem.text + '\n';
        return joined;
    }

    config_problems problems;
    std::shared_ptr<const openssl::setup> setup;
};

const certificate& root()
{
    static const auto made = make_authority("store authority");
    return made;
}
const certificate& middle()
{
    static const auto made = make_authority("middle authority", &root());
    return made;
}
const certificate& client()
{
    static const auto made = make_certificate({.name = "client", .issuer = &middle()});
    return made;
}

producer_config tls_config()
{
    producer_config config{"localhost:9093"};
    config.security_protocol = security_protocol::ssl;
    config.ssl_truststore_certificates = root().pem();
    return config;
}

std::string on_one_line(std::string pem, const std::string& in_place_of_breaks)
{
    for (std::size_t at = 0; (at = pem.find('\n', at)) != std::string::npos; at += in_place_of_breaks.size())
        pem.replace(at, 1, in_place_of_breaks);
    return pem;
}

void check_refused(const producer_config& config, std::string_view text)
{
    const loaded made{config};
    INFO(made.all());
    CHECK(has_errors(made.problems));
    CHECK(made.has(text));
    CHECK_FALSE(made.has("swordfish"));
}

} // namespace

TEST_CASE("Authorities: PEM, PKCS12, DER, a folder, and as Java has them in a setting")
{
    const folder files;
    auto config = tls_config();
    config.ssl_truststore_certificates.clear();
    int expected = 1;
    SUBCASE("a file with several, and text between them")
    {
        config.ssl_truststore_location =
            files.put("ca.pem", "# ours\n" + root().pem() + "\nsubject=second\n" + middle().pem());
        expected = 2;
    }
    SUBCASE("a setting")
    {
        config.ssl_truststore_certificates = root().pem();
    }
    SUBCASE("on one line, with blanks")
    {
        config.ssl_truststore_certificates =
            on_one_line(root().pem(), " ") + on_one_line(middle().pem(), " ");
        expected = 2;
    }
    SUBCASE("on one line, with \\n")
    {
        config.ssl_truststore_certificates = on_one_line(root().pem(), "\\n");
    }
    SUBCASE("PKCS12, whatever it is called")
    {
        config.ssl_truststore_location =
            files.put("ca.jks", pkcs12(nullptr, {&root(), &middle()}, "open sesame"));
        config.ssl_truststore_password = secret::literal("open sesame");
        expected = 2;
    }
    SUBCASE("DER")
    {
        unsigned char* data = nullptr;
        const int size = i2d_X509(root().x509.get(), &data);
        config.ssl_truststore_location =
            files.put("ca.der", {reinterpret_cast<const char*>(data), static_cast<std::size_t>(size)});
        OPENSSL_free(data);
    }
    SUBCASE("a folder, in which OpenSSL looks later")
    {
        config.ssl_truststore_location = files.path.string();
        expected = 0;
    }
    const loaded made{config};
    CHECK(made.all() == "");
    CHECK(made.authorities() == expected);
}

TEST_CASE("What can't be an authority")
{
    const folder files;
    auto config = tls_config();
    std::string text;
    SUBCASE("a Java keystore")
    {
        config.ssl_truststore_location = files.put("ca.p12", "\xfe\xed\xfe\xed and so on");
        text = "is a Java keystore (JKS), which only Java can read; convert it: keytool -importkeystore";
    }
    SUBCASE("a file without one")
    {
        config.ssl_truststore_location = files.put("ca.pem", "hello, world\n");
        text = "has no certificate; it begins with \"hello, world\"";
    }
    SUBCASE("no file")
    {
        config.ssl_truststore_location = "/nowhere/ca.pem";
        text = "/nowhere/ca.pem can't be read: No such file or directory";
    }
    SUBCASE("an empty file")
    {
        config.ssl_truststore_location = files.put("ca.pem", "");
        text = "is empty";
    }
    SUBCASE("damaged")
    {
        auto pem = root().pem() + middle().pem();
        pem[pem.size() - 200] = pem[pem.size() - 200] == 'A' ? 'B' : 'A';
        pem.erase(pem.size() - 150, 64);
        config.ssl_truststore_location = files.put("ca.pem", pem);
        text = "has a certificate that OpenSSL can't read, the 2th";
    }
    SUBCASE("PKCS12 without its password")
    {
        config.ssl_truststore_location = files.put("ca.p12", pkcs12(nullptr, {&root()}, "x"));
        text = "is a PKCS12 store; set ssl.truststore.password";
    }
    SUBCASE("PKCS12 with another password")
    {
        config.ssl_truststore_location = files.put("ca.p12", pkcs12(nullptr, {&root()}, "x"));
        config.ssl_truststore_password = secret::literal("swordfish");
        text = "is a PKCS12 store that ssl.truststore.password doesn't open";
    }
    check_refused(config, text);
}

TEST_CASE("Our certificate: its chain goes with it, in order, from wherever it comes")
{
    const folder files;
    auto config = tls_config();
    SUBCASE("one PEM file")
    {
        config.ssl_keystore_location =
            files.put("client.pem", client().key_pem() + client().pem() + middle().pem());
    }
    SUBCASE("the chain first in the file, then the certificate")
    {
        config.ssl_keystore_location =
            files.put("client.pem", middle().pem() + client().pem() + client().key_pem());
    }
    SUBCASE("an encrypted key in a file of its own")
    {
        config.ssl_keystore_location = files.put("client.pem", client().pem() + middle().pem());
        config.ssl_key_location = files.put("client.key", client().key_pem("pass word"));
        config.ssl_key_password = secret::literal("pass word");
    }
    SUBCASE("settings, on one line")
    {
        config.ssl_keystore_certificate_chain = on_one_line(client().pem() + middle().pem(), " ");
        config.ssl_keystore_key = secret::literal(on_one_line(client().key_pem("pass word"), " "));
        config.ssl_key_password = secret::literal("pass word");
    }
    SUBCASE("PKCS12")
    {
        config.ssl_keystore_location = files.put("client.p12", pkcs12(&client(), {&middle()}, "changeit"));
        config.ssl_keystore_password = secret::literal("changeit");
    }
    const loaded made{config};
    CHECK(made.all() == "");
    CHECK(made.setup->own.starts_with("CN=client (issued by CN=middle authority, valid until 2"));
    CHECK(made.chain() == 1);
}

TEST_CASE("What our certificate can't be")
{
    const folder files;
    auto config = tls_config();
    std::string text;
    SUBCASE("without a key")
    {
        config.ssl_keystore_location = files.put("client.pem", client().pem());
        text = "has no private key; put it there, or set ssl.key.location";
    }
    SUBCASE("of another pair than the key")
    {
        config.ssl_keystore_location = files.put("client.pem", client().pem() + middle().key_pem());
        text = "the key doesn't belong to the certificate CN=client";
    }
    SUBCASE("with a key that nobody gave the password of")
    {
        config.ssl_keystore_location = files.put("client.pem", client().pem() + client().key_pem("x"));
        text = "has an encrypted key; set ssl.key.password";
    }
    SUBCASE("with a key that the password doesn't open")
    {
        config.ssl_keystore_location = files.put("client.pem", client().pem() + client().key_pem("x"));
        config.ssl_key_password = secret::literal("swordfish");
        text = "has a key that ssl.key.password doesn't open";
    }
    SUBCASE("expired")
    {
        const auto old =
            make_certificate({.name = "old", .issuer = &root(), .from_days = -9, .until_days = -1});
        config.ssl_keystore_location = files.put("client.pem", old.pem() + old.key_pem());
        text = "the certificate CN=old expired on 2";
    }
    SUBCASE("a PEM file with a store's password")
    {
        config.ssl_keystore_location = files.put("client.pem", client().pem() + client().key_pem());
        config.ssl_keystore_password = secret::literal("swordfish");
        text = "is a PEM file, for which ssl.keystore.password has no meaning";
    }
    check_refused(config, text);
}

TEST_CASE("What is worth a warning about our certificate")
{
    const folder files;
    auto config = tls_config();
    SUBCASE("it expires soon")
    {
        const auto soon = make_certificate({.name = "soon", .issuer = &root(), .until_days = 3});
        config.ssl_keystore_location = files.put("client.pem", soon.pem() + soon.key_pem());
        const loaded made{config};
        CHECK(made.has("the certificate CN=soon expires soon, on 2"));
        CHECK_FALSE(has_errors(made.problems));
    }
    SUBCASE("a password that nothing needs")
    {
        config.ssl_keystore_location = files.put("client.pem", client().pem() + client().key_pem());
        config.ssl_key_password = secret::literal("x");
        const loaded made{config};
        CHECK(made.has("ssl.key.password is set, and the key is not encrypted"));
        CHECK_FALSE(has_errors(made.problems));
    }
}

TEST_CASE("Versions, ciphers, curves and signatures")
{
    auto config = tls_config();
    const auto ciphers = [](const loaded& made) {
        std::string list;
        STACK_OF(SSL_CIPHER)* all = SSL_CTX_get_ciphers(made.setup->context->native_handle());
        for (int i = 0; i < sk_SSL_CIPHER_num(all); ++i)
            list += (list.empty() ? "" : " ") + std::string{SSL_CIPHER_get_name(sk_SSL_CIPHER_value(all, i))};
        return list;
    };
    SUBCASE("by Java's names, of both versions")
    {
        config.ssl_cipher_suites = "TLS_AES_256_GCM_SHA384, TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384";
        const loaded made{config};
        CHECK(made.all() == "");
        CHECK(ciphers(made) == "TLS_AES_256_GCM_SHA384 ECDHE-RSA-AES256-GCM-SHA384");
    }
    SUBCASE("as a list of OpenSSL's")
    {
        config.ssl_cipher_suites = "ECDHE+AESGCM:!AES128";
        CHECK(ciphers(loaded{config}).find("ECDHE-RSA-AES256-GCM-SHA384") != std::string::npos);
        CHECK(ciphers(loaded{config}).find("ECDHE-RSA-AES128") == std::string::npos);
    }
    SUBCASE("unknown")
    {
        config.ssl_cipher_suites = "TLS_RSA_WITH_ROT13";
        config.ssl_curves_list = "circle";
        config.ssl_sigalgs_list = "ink";
        const loaded made{config};
        CHECK(made.has("names \"TLS_RSA_WITH_ROT13\", which OpenSSL doesn't have"));
        CHECK(made.has("ssl.curves.list is refused by OpenSSL"));
        CHECK(made.has("ssl.sigalgs.list is refused by OpenSSL"));
    }
    SUBCASE("one version")
    {
        config.ssl_enabled_protocols = tls_versions::v1_2;
        const loaded made{config};
        SSL_CTX* context = made.setup->context->native_handle();
        CHECK(SSL_CTX_get_min_proto_version(context) == TLS1_2_VERSION);
        CHECK(SSL_CTX_get_max_proto_version(context) == TLS1_2_VERSION);
    }
}
