// Why a cluster can't be used, as engine::connect tells it.
#pragma once

#include <kurier/error.hpp>

#include <boost/system/system_error.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

namespace kurier::inline KURIER_ABI {

class connect_error : public boost::system::system_error
{
public:
    // `words`: what went wrong with which broker; from the network, and escaped already.
    connect_error(error_code why, std::string_view words, std::chrono::milliseconds elapsed)
        : boost::system::system_error{why},
          what_{std::make_shared<const std::string>(tell(why, words, elapsed))}
    {}

    const char* what() const noexcept override { return what_->c_str(); } // the whole story, for a log

private:
    static std::string tell(error_code why, std::string_view words, std::chrono::milliseconds elapsed)
    {
        auto text = "not connected after " + std::to_string(elapsed.count()) + " ms: ";
        text += words.empty() ? why.message() : words;
        if (const auto what_to_do = advice(why); !what_to_do.empty()) {
            text += "; ";
            text += what_to_do;
        }
        return text;
    }

    std::shared_ptr<const std::string> what_; // shared, so that copying the exception can't throw
};

} // namespace kurier::inline KURIER_ABI
