// sasl.jaas.config as Kafka's Java client reads it.
#include <kurier/config/jaas.hpp>
#include <kurier/properties.hpp>

#include <doctest/doctest.h>

#include <string>

namespace {

using namespace kurier;

// What `p=...` comes to, or what is wrong.
std::string value_of(const std::string& text)
{
    detail::jaas_entry entry;
    const auto line = "a.B required p=" + text + ";";
    detail::jaas_parser parser{line};
    if (!parser.parse(entry)) return "refused: " + parser.problem();
    return *entry.find("p");
}

bool refused(const std::string& text)
{
    return value_of(text).starts_with("refused");
}

} // namespace

TEST_CASE("values of a JAAS line: quoted with escapes, or bare words")
{
    using namespace std::string_literals;
    CHECK(value_of(R"("a\"b\\c")") == "a\"b\\c");
    CHECK(value_of(R"('a"b')") == "a\"b");
    CHECK(value_of(R"("a'b")") == "a'b");
    CHECK(value_of(R"("")").empty());
    CHECK(value_of(R"("\a\b\f\n\r\t\v\x\q")") == "\a\b\f\n\r\t\vxq");
    CHECK(value_of(R"("\101\0\18\377\400")") == "A\0\1"
                                                "8\377 0"s);
    CHECK(value_of("p123") == "p123");
    CHECK(value_of("a-b_c$d.e") == "a-b_c$d.e");
    CHECK(value_of("_x") == "_x");
    CHECK(value_of("\xc3\xa4"
                   "b") == "\xc3\xa4"
                           "b");
    for (const auto* text :
         {"123", "1p", "-ab", "a@b", "p#q", "a/b", "\"a\nb\"", "\"open", "'x", "", "=", "\"\\"})
        CHECK(refused(text));
}

TEST_CASE("a JAAS line: flags in any letters, blanks, comments, the last of two options")
{
    detail::jaas_entry entry;
    detail::jaas_parser parser{"  org.apache.Plain /* a comment; */ ReQuired\n\tusername = \"a\" // one = "
                               "\"more\"\n username='b' ;\n"};
    REQUIRE(parser.parse(entry));
    CHECK(entry.module == "org.apache.Plain");
    CHECK(*entry.find("username") == "b");
    CHECK_FALSE(entry.find("password"));
    for (const auto* flag : {"required", "REQUISITE", "sufficient", "Optional"}) {
        detail::jaas_entry one;
        const auto line = "a.B " + std::string{flag} + ";";
        CHECK(detail::jaas_parser{line}.parse(one));
    }
    for (const auto* text : {"", ";", "a.B;", "a.B needed;", "a.B required", "a.B required;;",
                             "\"a.B\" required;", "a.B required x;", "a.B required /* open"}) {
        detail::jaas_entry one;
        CHECK_FALSE(detail::jaas_parser{text}.parse(one));
    }
}

TEST_CASE("a JAAS line is user and password")
{
    const auto config = from_properties(
        "bootstrap.servers=a:1\nsecurity.protocol=SASL_SSL\nsasl.mechanism=SCRAM-SHA-256\n"
        "sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required \\\n"
        "  username=\"alice\" password=\"a\\\\\"b\" tokenauth=\"true\";\n");
    CHECK(config.sasl_username == "alice");
    CHECK(as_text(config.sasl_password.read().view()) == "a\"b");
    CHECK(config.sasl_scram_token);
}

TEST_CASE("librdkafka's keys; blanks belong to a password")
{
    const auto config =
        from_properties("bootstrap.servers=a:1\nsecurity.protocol=sasl_ssl\nsasl.mechanisms=PLAIN\n"
                        "sasl.username=alice\nsasl.password=two words \n");
    CHECK(config.sasl_mechanism == "PLAIN");
    CHECK(config.sasl_username == "alice");
    CHECK(as_text(config.sasl_password.read().view()) == "two words ");
    auto emptied = config;
    config_problems problems;
    CHECK(set_property(emptied, "sasl.password", "", problems));
    CHECK_FALSE(emptied.sasl_password);
}

TEST_CASE("secrets of a configuration are in no text of it")
{
    config_problems problems;
    const auto config =
        from_properties("bootstrap.servers=a:1\nsasl.password=hunter2\nsasl.mechanism=\x01\n"
                        "sasl.jaas.config=x.PlainLoginModule required username=u password=\"hunter2\";\n"
                        "sasl.jaas.config=x.PlainLoginModule required username=u password=hunter2 hunter2;\n",
                        problems);
    std::string all = to_properties(config, printed_settings::all);
    for (const auto& problem : problems) all += problem.text;
    CHECK(problems.size() == 2);
    CHECK(all.find("hunter2") == std::string::npos);
}
