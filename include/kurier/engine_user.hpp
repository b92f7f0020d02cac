// What a producer has from its engine: flush, close and their like, which are for all producers that share the engine.
//
// Lifetimes: the operations refer to the engine's state and may outlive this object.
// Executor: handlers run on their associated executor, by default the engine's, and never inside the call.
// Exceptions: std::bad_alloc, and then the operation has not begun.
// Thread safety: none, as the engine has none.
#pragma once

#include <kurier/engine.hpp>

#include <chrono>
#include <exception>
#include <string_view>
#include <utility>
#include <vector>

namespace kurier::inline KURIER_ABI {

class engine_user
{
public:
    // See engine.hpp, also for the operations' errors and what cancels them.
    template <boost::asio::completion_token_for<void(std::exception_ptr)> Token = boost::asio::deferred_t>
    auto connect(Token&& token = {})
    {
        return engine_.connect(std::forward<Token>(token));
    }
    template <boost::asio::completion_token_for<void(error_code)> Token = boost::asio::deferred_t>
    auto flush(Token&& token = {})
    {
        return engine_.flush(std::forward<Token>(token));
    }
    template <boost::asio::completion_token_for<void(error_code)> Token = boost::asio::deferred_t>
    auto close(Token&& token = {})
    {
        return engine_.close(std::forward<Token>(token));
    }
    template <class Rep, class Period,
              boost::asio::completion_token_for<void(error_code)> Token = boost::asio::deferred_t>
    auto close(std::chrono::duration<Rep, Period> timeout, Token&& token = {})
    {
        return engine_.close(timeout, std::forward<Token>(token));
    }
    template <boost::asio::completion_token_for<void(error_code)> Token = boost::asio::deferred_t>
    auto ready(Token&& token = {})
    {
        return engine_.ready(std::forward<Token>(token));
    }
    template <boost::asio::completion_token_for<void(error_code, std::vector<partition_info>)> Token =
                  boost::asio::deferred_t>
    auto partitions_for(std::string_view topic, Token&& token = {})
    {
        return engine_.partitions_for(topic, std::forward<Token>(token));
    }

    producer_metrics metrics() const { return engine_.metrics(); } // of the engine: of all its producers

    // What it shares with others, or has for itself.
    kurier::engine& engine() noexcept { return engine_; }
    const boost::asio::any_io_executor& get_executor() const noexcept { return engine_.get_executor(); }

protected:
    explicit engine_user(kurier::engine shared) noexcept : engine_{std::move(shared)} {}
    ~engine_user() = default;
    engine_user(const engine_user&) = default;
    engine_user(engine_user&&) = default;
    engine_user& operator=(const engine_user&) = default;
    engine_user& operator=(engine_user&&) = default;

    kurier::engine engine_;
};

} // namespace kurier::inline KURIER_ABI
