// One line for each event to a FILE: warnings and errors, in the form key=value.
#pragma once

#include <kurier/log.hpp>

#include <cstdio>
#include <string>

namespace shop {

class warnings_to_file
{
public:
    explicit warnings_to_file(std::FILE* file) : file_{file} {}

    void operator()(const kurier::log_event& event)
    {
        if (event.level < kurier::log_level::warning) return;
        line_ = "level=";
        line_ += kurier::to_string(event.level);
        line_ += " event=";
        line_ += event.event; // the same name in every version
        kurier::append_log_fields(line_, event.fields);
        line_ += '\n';
        std::fwrite(line_.data(), 1, line_.size(), file_);
    }

private:
    std::FILE* file_;
    std::string line_;
};
static_assert(kurier::log_sink<warnings_to_file>);

} // namespace shop
