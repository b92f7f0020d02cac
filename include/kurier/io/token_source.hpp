// Tokens for logins, from whoever issues them: fetched once for all connections that wait, and again after four fifths of a
// token's life or when a broker has rejected it. While no new one can be had, the old one is used until it expires.
#pragma once

#include <kurier/io/credential_source.hpp>
#include <kurier/oauth_token.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>

#include <chrono>
#include <exception>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace kurier::inline KURIER_ABI::io {

template <class T> inline constexpr bool is_token_awaitable = false;
template <class Executor> inline constexpr bool is_token_awaitable<asio::awaitable<oauth_token, Executor>> =
    true;

// A source is called without arguments, on the engine's executor. It returns a token, an awaitable of one, or an Asio
// operation that completes with (error_code, oauth_token).
template <class Source, class Clock = std::chrono::steady_clock> class token_source final
    : public credential_source,
      public std::enable_shared_from_this<token_source<Source, Clock>>
{
public:
    explicit token_source(std::shared_ptr<Source> source) : source_{std::move(source)} {}

    void obtain(const asio::any_io_executor& executor, credential_handler done) override
    {
        if (token_ && Clock::now() < renew_at_) {
            asio::post(executor, [bytes = token_, done = std::move(done)] { done(copy(*bytes)); });
            return;
        }
        waiting_.push_back(std::move(done));
        if (std::exchange(asking_, true)) return;
        try {
            asio::post(executor, [self = this->shared_from_this(), executor] { self->ask(executor); });
        } catch (...) {
            asking_ = false;
            waiting_.pop_back();
            throw;
        }
    }

    void refused() noexcept override { token_.reset(); }
    void abandon() noexcept override { waiting_.clear(); }

private:
    using result = std::invoke_result_t<Source&>;

    static credential copy(const oauth_token& token)
    {
        credential made;
        made.bytes = secret_bytes{token.credential()};
        return made;
    }

    void ask(const asio::any_io_executor& executor)
    {
        try {
            start(executor);
        } catch (...) {
            failed(std::current_exception());
        }
    }

    void start(const asio::any_io_executor& executor)
    {
        auto self = this->shared_from_this();
        if constexpr (std::is_same_v<result, oauth_token>) {
            arrived((*source_)());
        } else if constexpr (is_token_awaitable<result>) {
            asio::co_spawn(executor, (*source_)(),
                           [self](const std::exception_ptr& thrown, oauth_token token) {
                               thrown ? self->failed(thrown) : self->arrived(std::move(token));
                           });
        } else {
            (*source_)()(asio::bind_executor(executor, [self](error_code ec, oauth_token token) {
                ec ? self->failed(ec.message()) : self->arrived(std::move(token));
            }));
        }
    }

    void arrived(oauth_token token)
    {
        constexpr std::chrono::seconds year = std::chrono::hours{24 * 365};
        const auto life = std::min(token.expires_in(), year);
        const auto got = std::make_shared<const oauth_token>(std::move(token));
        token_ = life.count() > 0 ? got : nullptr;
        expires_at_ = Clock::now() + life;
        renew_at_ = expires_at_ - life / 5;
        tell([&] { return copy(*got); });
    }

    void failed(const std::exception_ptr& thrown)
    {
        try {
            std::rethrow_exception(thrown);
        } catch (const std::exception& known) {
            failed(std::string{known.what()});
        } catch (...) {
            failed(std::string{"it threw something"});
        }
    }

    void failed(const std::string& why)
    {
        if (const auto old = token_; old && Clock::now() < expires_at_) {
            tell([&] { return copy(*old); });
            return;
        }
        tell([&] {
            credential none;
            none.why = errc::credential_unavailable;
            none.words = "the source of tokens has failed: " + wire::escape(why);
            return none;
        });
    }

    template <class Make> void tell(const Make& make)
    {
        asking_ = false;
        for (auto& done : std::exchange(waiting_, {})) done(make());
    }

    std::shared_ptr<Source> source_;
    std::vector<credential_handler> waiting_;
    bool asking_ = false;
    std::shared_ptr<const oauth_token> token_; // empty: none that may be used again
    typename Clock::time_point renew_at_{}, expires_at_{};
};

} // namespace kurier::inline KURIER_ABI::io
