// What is wrong with a configuration, all of it at once, in sentences that name key, value, range and remedy.
#pragma once

#include <kurier/error.hpp>

#include <boost/system/system_error.hpp>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace kurier::inline KURIER_ABI {

enum class config_severity : unsigned char {
    warning, // it runs, in a way that is worth knowing
    error,
};

struct config_problem
{
    config_problem(config_severity how_bad, std::string about, std::string sentence)
        : severity{how_bad}, key{std::move(about)}, text{std::move(sentence)}
    {}

    config_severity severity;
    std::string key;  // Kafka's name of the setting; empty when there is none
    std::string text; // one complete sentence, the key in it
};

using config_problems = std::vector<config_problem>;

inline bool has_errors(const config_problems& problems) noexcept
{
    return std::any_of(problems.begin(), problems.end(), [](const config_problem& problem) {
        return problem.severity == config_severity::error;
    });
}

// Thrown where a configuration is read or used; what() lists all errors, one a line.
class config_error : public boost::system::system_error
{
public:
    explicit config_error(config_problems problems)
        : boost::system::system_error{make_error_code(errc::configuration)},
          content_{std::make_shared<const content>(std::move(problems))}
    {}

    const char* what() const noexcept override { return content_->what.c_str(); }
    const config_problems& problems() const noexcept { return content_->problems; }

private:
    struct content
    {
        explicit content(config_problems all)
            : problems{std::move(all)}, what{"the configuration is invalid:"}
        {
            for (const auto& problem : problems) {
                if (problem.severity == config_severity::error) what += "\n  " + problem.text;
            }
        }
        config_problems problems;
        std::string what;
    };
    std::shared_ptr<const content> content_; // shared, so that copying the exception can't throw
};

} // namespace kurier::inline KURIER_ABI
