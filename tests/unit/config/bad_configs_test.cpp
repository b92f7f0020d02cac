// Each bad configuration gets the sentences that bad_configs.txt says. That file is meant to be read.
#include <kurier/properties.hpp>

#include <doctest/doctest.h>

#include <fstream>
#include <string>
#include <vector>

using namespace kurier;

namespace {

struct bad_config
{
    std::string text;
    std::string problems;
};

std::vector<bad_config> read_cases(const char* path)
{
    std::ifstream file{path};
    REQUIRE_MESSAGE(file, "run from the project's top folder: ", path);
    std::vector<bad_config> cases;
    bad_config now;
    for (std::string line; std::getline(file, line);) {
        if (line.empty()) {
            if (!now.problems.empty()) cases.push_back(now);
            now = {};
        } else if (line.starts_with("> ") || line.starts_with("? ")) {
            now.problems += line + '\n';
        } else if (!line.starts_with("-- ")) {
            now.text += line + '\n';
        }
    }
    if (!now.problems.empty()) cases.push_back(now);
    return cases;
}

std::string problems_of(std::string text)
{
    if (text.find("bootstrap.server") == std::string::npos && text != "client.id=web\n") {
        text += "bootstrap.servers=localhost:9092\n";
    }
    config_problems problems;
    static_cast<void>(from_properties(text, problems));
    std::string out;
    for (const auto& problem : problems) {
        out += problem.severity == config_severity::error ? "> " : "? ";
        out += problem.text + '\n';
    }
    return out;
}

} // namespace

TEST_CASE("every bad configuration is told what is wrong and what to write")
{
    const auto cases = read_cases("tests/unit/config/bad_configs.txt");
    CHECK(cases.size() >= 150);
    for (const auto& bad : cases) CHECK(problems_of(bad.text) == bad.problems);
}

TEST_CASE("secrets are never shown")
{
    for (const std::string key : {"sasl.jaas.config", "ssl.key.password", "sasl.jass.config", "passwrd",
                                  "my.secret", "partitioner.class", "key.serializer", "liger.ms"}) {
        CAPTURE(key);
        CHECK(problems_of(key + "=hunter2\n").find("hunter2") == std::string::npos);
    }
}

TEST_CASE("what kurier does anyway may be said")
{
    for (const std::string line :
         {"security.protocol=PLAINTEXT", "security.protocol=plaintext", "enable.metrics.push=false",
          "buffer.memory.allocation.strategy=full", "buffer.memory.allocation.strategy=incremental",
          "partitioner.rack.aware=false", "transaction.two.phase.commit.enable=false",
          "socket.nagle.disable=true"}) {
        CAPTURE(line);
        CHECK(problems_of(line + '\n').empty());
    }
}
