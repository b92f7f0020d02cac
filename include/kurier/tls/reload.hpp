// Certificates, keys and authorities may change while the producer runs: before a new connection is made, their files are
// looked at, and read again if they have changed. What can't be used is told once, and connections go on with what was
// read before; a certificate and its key rarely change in the same moment.
#pragma once

#include <kurier/log.hpp>
#include <kurier/producer_config.hpp>
#include <kurier/tls/make_setup.hpp>

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <system_error>
#include <utility>

namespace kurier::inline KURIER_ABI::openssl {

// What tells a changed file: also where a symbolic link points to, because Kubernetes changes that alone.
struct file_mark
{
    std::filesystem::path target;
    std::filesystem::file_time_type changed{};
    std::uintmax_t size = 0;

    static file_mark of(const std::string& path)
    {
        file_mark mark;
        std::error_code missing;
        if (path.empty()) return mark;
        mark.target = std::filesystem::canonical(path, missing);
        mark.changed = std::filesystem::last_write_time(path, missing);
        mark.size =
            std::filesystem::is_regular_file(path, missing) ? std::filesystem::file_size(path, missing) : 0;
        return mark;
    }
    friend bool operator==(const file_mark&, const file_mark&) = default;
};

class reloader
{
public:
    // `own`: the user's context, which is never read again; or nothing.
    reloader(const producer_config& config, std::shared_ptr<asio::ssl::context> own,
             config_problems& problems)
        : fixed_{own != nullptr}, marks_{marks_of(config)},
          setup_{make_setup(config, std::move(own), problems)}
    {}

    void log_by(std::function<void(log_event)> log) { log_ = std::move(log); }

    // For a connection that is made now.
    std::shared_ptr<const setup> current(const producer_config& config)
    {
        if (fixed_) return setup_;
        auto now = marks_of(config);
        if (now == marks_) return setup_;
        marks_ = std::move(now);
        config_problems problems;
        auto made = make_setup(config, nullptr, problems);
        if (has_errors(problems)) {
            for (const auto& problem : problems)
                tell(log_level::warning, "tls.reload_failed",
                     problem.text + "; new connections use what was read before");
            return setup_;
        }
        for (const auto& problem : problems) tell(log_level::warning, "config", problem.text);
        tell(log_level::info, "tls.reloaded",
             "certificates were read again, for new connections: " + made->trusted +
                 (made->own.empty() ? "" : ", and this client's " + made->own));
        setup_ = std::move(made);
        return setup_;
    }

private:
    using marks = std::array<file_mark, 4>;

    static marks marks_of(const producer_config& config)
    {
        return {file_mark::of(config.ssl_truststore_location), file_mark::of(config.ssl_crl_location),
                file_mark::of(config.ssl_keystore_location), file_mark::of(config.ssl_key_location)};
    }

    void tell(log_level level, std::string_view event, const std::string& text) const
    {
        if (log_) log_({level, event, text, {}, {}});
    }

    bool fixed_;
    marks marks_; // as the files were when they were read, or could not be
    std::shared_ptr<const setup> setup_;
    std::function<void(log_event)> log_;
};

} // namespace kurier::inline KURIER_ABI::openssl
