// What is asked of an identity provider, and what is made of its answers: no network.
#include "support/certificates.hpp"

#include <kurier/oauth/answer.hpp>
#include <kurier/oauth/assertion.hpp>
#include <kurier/oauth/from_config.hpp>
#include <kurier/oauth/request.hpp>
#include <kurier/properties.hpp>

#include <doctest/doctest.h>

#include <string>

using namespace kurier;
using namespace kurier::testing;
using namespace std::chrono_literals;

namespace {

std::string problem_of(std::string_view address)
{
    std::string problem;
    CHECK_FALSE(http::parse_url(address, problem));
    return problem;
}

http::url parsed(std::string_view address)
{
    std::string problem;
    const auto made = http::parse_url(address, problem);
    CHECK(problem.empty());
    return made.value_or(http::url{});
}

std::string part(std::string_view jwt, int which)
{
    while (which-- > 0) jwt.remove_prefix(jwt.find('.') + 1);
    const auto bytes = sasl::from_base64(jwt.substr(0, jwt.find('.')), sasl::base64_form::url);
    REQUIRE(bytes);
    return std::string{as_text(*bytes)};
}

bool verifies(std::string_view jwt, EVP_PKEY* key, const std::vector<std::byte>& signature)
{
    const std::unique_ptr<EVP_MD_CTX, openssl::freed_by<&EVP_MD_CTX_free>> context{EVP_MD_CTX_new()};
    const auto what = jwt.substr(0, jwt.rfind('.'));
    EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, key);
    return EVP_DigestVerify(context.get(), reinterpret_cast<const unsigned char*>(signature.data()),
                            signature.size(), reinterpret_cast<const unsigned char*>(what.data()),
                            what.size()) == 1;
}

config_problems problems_of(std::string_view properties)
{
    config_problems problems;
    const auto config = from_properties(properties);
    const auto options = oauth::options_from(config);
    oauth::check_endpoint(options, config, problems);
    oauth::check_client(options, problems);
    return problems;
}

std::string first_problem(std::string_view properties)
{
    const auto found = problems_of(std::string{"bootstrap.servers=a:1\n"} + std::string{properties});
    return found.empty() ? "" : found.front().text;
}

} // namespace

TEST_CASE("an address is taken apart")
{
    const auto plain = parsed("https://idp.example.com/oauth2/token?a=b");
    CHECK(plain.secure);
    CHECK(plain.host == "idp.example.com");
    CHECK(plain.port == "443");
    CHECK(plain.target == "/oauth2/token?a=b");
    CHECK(plain.authority() == "idp.example.com");
    const auto six = parsed("http://[2001:db8::1]:8080");
    CHECK_FALSE(six.secure);
    CHECK(six.host == "2001:db8::1");
    CHECK(six.authority() == "[2001:db8::1]:8080");
    CHECK(six.target == "/");
    CHECK(parsed("http://a?x").target == "/?x");
}

TEST_CASE("an address that can't be used is refused with its reason")
{
    CHECK(problem_of("idp.example.com/token").find("https://") != std::string::npos);
    CHECK(problem_of("https://user:hunter2@idp/").find("user in it") != std::string::npos);
    CHECK(problem_of("https://user:hunter2@idp/").find("hunter2") == std::string::npos);
    CHECK(problem_of("https://idp/#x").find("fragment") != std::string::npos);
    CHECK(problem_of("https://idp/a b").find("percent-encoded") != std::string::npos);
    CHECK(problem_of("https://idp/\r\nHost:x").find("percent-encoded") != std::string::npos);
    for (const auto* bad : {"https://", "https:///x", "https://a:", "https://a:0", "https://a:65536",
                            "https://a:1x", "https://[::1", "https://[::1]x", "https://a]b"})
        CHECK_MESSAGE(problem_of(bad).find("host and port") != std::string::npos, bad);
}

TEST_CASE("a client with a secret proves itself by Basic authentication")
{
    oidc_options options;
    options.client_id = "svc alice";
    options.client_secret = secret::literal("s:e/c?~>~");
    options.scope = "kafka read";
    auto made = oauth::make_token_request(options, {});
    CHECK(made.form == "grant_type=client_credentials&scope=kafka+read");
    CHECK(made.authorization == "Basic c3ZjIGFsaWNlOnM6ZS9jP34+fg=="); // + and /, not - and _
    options.urlencode_header = true;
    made = oauth::make_token_request(options, {});
    CHECK(made.authorization == "Basic c3ZjK2FsaWNlOnMlM0FlJTJGYyUzRiU3RSUzRSU3RQ==");
}

TEST_CASE("an assertion takes the secret's place, or is what the token is about")
{
    oidc_options options;
    options.client_id = "svc";
    options.assertion.file = "somewhere";
    auto made = oauth::make_token_request(options, "a.b.c");
    CHECK(made.authorization.empty());
    CHECK(
        made.form ==
        "grant_type=client_credentials&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-"
        "type%3Ajwt-bearer&client_assertion=a.b.c&client_id=svc");
    options.grant = oauth_grant::jwt_bearer;
    made = oauth::make_token_request(options, "a.b.c");
    CHECK(made.form == "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=a.b.c");
}

TEST_CASE("an assertion is a JWT that its key's owner has signed")
{
    certificate_order order;
    const auto own = make_certificate(order);
    assertion_options options;
    options.private_key = secret::literal(own.key_pem("hunter2"));
    options.private_key_passphrase = secret::literal("hunter2");
    options.algorithm = assertion_algorithm::es256;
    options.issuer = "svc \"x\"";
    options.subject = "svc";
    options.audience = "https://idp";
    const auto jwt = oauth::make_assertion(options, 1'000'000);
    CHECK(part(jwt, 0) == R"({"alg":"ES256","typ":"JWT"})");
    CHECK(
        part(jwt, 1) ==
        R"({"iss":"svc \u0022x\u0022","sub":"svc","aud":"https://idp","iat":1000000,"nbf":999940,"exp":1000300})");
    const auto raw = part(jwt, 2);
    REQUIRE(raw.size() == 64);
    const std::unique_ptr<ECDSA_SIG, openssl::freed_by<&ECDSA_SIG_free>> both{ECDSA_SIG_new()};
    const auto* bytes = reinterpret_cast<const unsigned char*>(raw.data());
    ECDSA_SIG_set0(both.get(), BN_bin2bn(bytes, 32, nullptr), BN_bin2bn(bytes + 32, 32, nullptr));
    unsigned char* der = nullptr;
    const int size = i2d_ECDSA_SIG(both.get(), &der);
    const auto* begin = reinterpret_cast<std::byte*>(der);
    CHECK(verifies(jwt, own.key.get(), {begin, begin + size}));
    OPENSSL_free(der);
    options.id = true;
    CHECK(part(oauth::make_assertion(options, 1), 1) != part(oauth::make_assertion(options, 1), 1));
}

TEST_CASE("an assertion by RSA; a key that can't sign it is named, without its password")
{
    certificate_order order;
    order.rsa_bits = 2048;
    const auto own = make_certificate(order);
    assertion_options options;
    options.private_key = secret::literal(own.key_pem());
    const auto jwt = oauth::make_assertion(options, 5);
    const auto signature =
        sasl::from_base64(std::string_view{jwt}.substr(jwt.rfind('.') + 1), sasl::base64_form::url);
    CHECK(verifies(jwt, own.key.get(), signature.value()));
    options.algorithm = assertion_algorithm::es256;
    CHECK_THROWS_WITH(
        oauth::make_assertion(options, 5),
        "the assertion's private key, from the configuration, can't sign: ES256 needs an EC key");
    options.private_key = secret::literal(own.key_pem("right"));
    options.private_key_passphrase = secret::literal("hunter2");
    try {
        oauth::make_assertion(options, 5);
        FAIL("it should have thrown");
    } catch (const std::runtime_error& why) {
        CHECK(std::string{why.what()}.find("hunter2") == std::string::npos);
    }
}

TEST_CASE("an answer with a token")
{
    const auto good =
        oauth::read_answer(200, R"({"access_token":"t","expires_in":300,"token_type":"Bearer","x":[{}]})");
    CHECK(good.token == "t");
    CHECK(good.expires_in == 300s);
    CHECK(oauth::read_answer(200, R"({"access_token":"t","expires_in":"60"})").expires_in == 60s);
    CHECK(oauth::read_answer(200, R"({"access_token":"t","expires_in":-5})").expires_in == 0s);
    CHECK(oauth::read_answer(200, R"({"access_token":"t","expires_in":99999999999999})").expires_in > 1h);
    CHECK(oauth::read_answer(200, R"({"id_token":"i"})").token == "i");
}

TEST_CASE("an answer without one says what the provider said, and whether to ask again")
{
    const auto says = [](unsigned status, std::string_view body, std::string_view words, bool again) {
        const auto answer = oauth::read_answer(status, body);
        CHECK(answer.token.empty());
        CHECK_MESSAGE(answer.problem.find(words) != std::string::npos, answer.problem);
        CHECK(answer.worth_retrying == again);
    };
    says(401, R"({"error":"invalid_client","error_description":"unknown"})",
         "HTTP status 401, invalid_client (unknown); check the client's id and secret", false);
    says(400, R"({"error":"invalid_scope"})", "check sasl.oauthbearer.scope", false);
    says(400, "<html>", "HTTP status 400", false);
    says(302, "", "a redirect, which is not followed", false);
    for (const unsigned passing : {408U, 425U, 429U, 500U, 502U, 503U, 504U})
        says(passing, "", "HTTP status", true);
    says(501, "", "HTTP status 501", false);
    says(200, "<html>", "not JSON", false);
    says(200, R"({"access_token":"t"} x)", "not JSON", false);
    says(200, R"({"access_token":""})", "without an access_token", false);
    says(200, R"(["access_token"])", "without an access_token", false);
    says(200, R"({"access_token":"t","token_type":"mac"})", "of type mac, not bearer", false);
    says(200, std::string(60'000, '['), "nested too deeply", false);
}

TEST_CASE("Java's and librdkafka's settings are the same request")
{
    const auto java = oauth::options_from(from_properties(
        "bootstrap.servers=a:1\nsasl.mechanism=OAUTHBEARER\nsecurity.protocol=SASL_SSL\n"
        "sasl.login.callback.handler.class=org.apache.kafka.common.security.oauthbearer."
        "OAuthBearerLoginCallbackHandler\n"
        "sasl.oauthbearer.token.endpoint.url=https://idp/token\n"
        "sasl.jaas.config=org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required "
        "clientId=\"svc\" "
        "clientSecret=\"hunter2\" scope=\"kafka\" extension_pool=\"a b\" extension_cluster=\"lkc\";\n"));
    CHECK(java.client_id == "svc");
    CHECK(as_text(java.client_secret.read().view()) == "hunter2");
    CHECK(java.scope == "kafka");
    CHECK(java.extensions == oauth_token::extensions_type{{"pool", "a b"}, {"cluster", "lkc"}});
    const auto other = oauth::options_from(from_properties(
        "bootstrap.servers=a:1\nsasl.mechanisms=OAUTHBEARER\nsecurity.protocol=SASL_SSL\nsasl.oauthbearer."
        "method=oidc\n"
        "sasl.oauthbearer.token.endpoint.url=https://idp/token\nsasl.oauthbearer.client.id=svc\n"
        "sasl.oauthbearer.client.secret=hunter2\nsasl.oauthbearer.scope=kafka\n"
        "sasl.oauthbearer.extensions=pool=a b,cluster=lkc\n"));
    CHECK(other.client_id == java.client_id);
    CHECK(other.client_secret == java.client_secret);
    CHECK(other.scope == java.scope);
    CHECK(other.extensions == java.extensions);
}

TEST_CASE("settings that don't make a request are named")
{
    const std::string at = "sasl.oauthbearer.token.endpoint.url=https://idp/token\n";
    const std::string client = "sasl.oauthbearer.client.id=a\nsasl.oauthbearer.client.secret=hunter2\n";
    CHECK(first_problem(at + client).empty());
    CHECK(
        first_problem(client) ==
        "sasl.oauthbearer.token.endpoint.url is missing; set it to where the identity provider gives tokens");
    CHECK(first_problem("sasl.oauthbearer.token.endpoint.url=http://idp/\n" + client)
              .find("kurier.insecure.allow=http-endpoints") != std::string::npos);
    CHECK(first_problem(
              "sasl.oauthbearer.token.endpoint.url=http://idp/\nkurier.insecure.allow=http-endpoints\n" +
              client)
              .empty());
    CHECK(first_problem(at).find("client.secret, or an assertion") != std::string::npos);
    CHECK(first_problem(at + client + "sasl.oauthbearer.assertion.file=f\n")
              .find("a secret and an assertion") != std::string::npos);
    CHECK(first_problem(at +
                        "sasl.oauthbearer.assertion.file=f\nsasl.oauthbearer.assertion.private.key.file=k\n")
              .find("are both set") != std::string::npos);
    CHECK(first_problem(at + "sasl.oauthbearer.grant.type=urn:ietf:params:oauth:grant-type:jwt-bearer\n")
              .find("needs an assertion") != std::string::npos);
}
