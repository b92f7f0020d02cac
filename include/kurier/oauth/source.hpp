// Asks an identity provider for a token, and again while it is worth it.
#pragma once

#include <kurier/http/exchange.hpp>
#include <kurier/oauth/answer.hpp>
#include <kurier/oauth/assertion.hpp>
#include <kurier/oauth/options.hpp>
#include <kurier/oauth/request.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace kurier::inline KURIER_ABI::oauth {

class provider
{
public:
    provider(oidc_options options, http::url where, http::trust trusted)
        : options_{std::move(options)}, where_{std::move(where)}, trusted_{std::move(trusted)}
    {}

    // Throws std::runtime_error: the last answer, or why there was none. Stays alive until then.
    boost::asio::awaitable<oauth_token> fetch()
    {
        const auto until = std::chrono::steady_clock::now() + options_.timeout;
        boost::asio::steady_timer pause{co_await boost::asio::this_coro::executor};
        for (int tries = 1;; ++tries) {
            const http::limits bounds{remaining(until)};
            const http::request asked = make_request();
            http::outcome got = co_await http::exchange(where_, asked, trusted_, bounds);
            token_answer answer = judge(got);
            if (!answer.token.empty()) co_return take(answer);
            const auto wait = backoff(tries, got);
            if (!answer.worth_retrying || std::chrono::steady_clock::now() + wait >= until)
                throw std::runtime_error{answer.problem};
            pause.expires_after(wait);
            co_await pause.async_wait(boost::asio::use_awaitable);
        }
    }

private:
    using milliseconds = std::chrono::milliseconds;

    static milliseconds remaining(std::chrono::steady_clock::time_point until)
    {
        const auto left = std::chrono::ceil<milliseconds>(until - std::chrono::steady_clock::now());
        return std::max(left, milliseconds{1});
    }

    http::request make_request() const
    {
        http::wiped_text assertion;
        if (options_.assertion.given()) {
            const auto now = std::chrono::system_clock::now().time_since_epoch();
            assertion =
                make_assertion(options_.assertion, std::chrono::floor<std::chrono::seconds>(now).count());
        }
        auto made = make_token_request(options_, assertion);
        using field = boost::beast::http::field;
        http::request out{boost::beast::http::verb::post, where_.target, 11};
        out.set(field::host, where_.authority());
        out.set(field::accept, "application/json");
        out.set(field::user_agent, "kurier");
        out.set(field::connection, "close");
        out.set(field::content_type, "application/x-www-form-urlencoded");
        if (!made.authorization.empty()) out.set(field::authorization, std::string_view{made.authorization});
        out.body() = std::move(made.form);
        out.prepare_payload();
        return out;
    }

    token_answer judge(const http::outcome& got) const
    {
        if (got.answer) {
            auto answer = read_answer(got.answer->result_int(), got.answer->body());
            if (!answer.problem.empty()) answer.problem.insert(0, where_.origin() + ' ');
            return answer;
        }
        token_answer none;
        none.problem = got.problem;
        none.worth_retrying = true;
        return none;
    }

    oauth_token take(const token_answer& answer) const
    {
        return oauth_token{std::string{answer.token}, answer.expires_in, options_.extensions};
    }

    // 100 ms, doubling to 2 s, with 20 % jitter; as long as the provider says, if it does.
    static milliseconds backoff(int tries, const http::outcome& got)
    {
        if (got.answer) {
            const auto text = (*got.answer)[boost::beast::http::field::retry_after];
            std::int32_t seconds = 0;
            const auto read = std::from_chars(text.data(), text.data() + text.size(), seconds);
            if (read.ec == std::errc{} && seconds > 0) return std::chrono::seconds{seconds};
        }
        const int base = std::min(100 << std::min(tries - 1, 5), 2'000);
        return milliseconds{std::uniform_int_distribution<int>{base * 4 / 5, base * 6 / 5}(random())};
    }

    static std::minstd_rand& random()
    {
        static thread_local std::minstd_rand engine{std::random_device{}()};
        return engine;
    }

    oidc_options options_;
    http::url where_;
    http::trust trusted_;
};

} // namespace kurier::inline KURIER_ABI::oauth
