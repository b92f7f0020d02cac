// The name of a topic: immutable, cheap to copy (copies share the text), usable wherever a string_view is.
#pragma once

#include <kurier/config.hpp>

#include <iosfwd>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace kurier::inline KURIER_ABI {

class topic_name
{
public:
    topic_name() noexcept = default;
    explicit topic_name(std::string name) : name_{std::make_shared<const std::string>(std::move(name))} {}
    explicit topic_name(std::string_view name) : topic_name{std::string{name}} {}
    explicit topic_name(const char* name) : topic_name{std::string{name}} {}

    std::string_view view() const noexcept { return name_ ? std::string_view{*name_} : std::string_view{}; }
    operator std::string_view() const noexcept { return view(); }
    std::string str() const { return std::string{view()}; }
    bool empty() const noexcept { return view().empty(); }

    friend bool operator==(const topic_name& a, const topic_name& b) noexcept
    {
        return a.name_ == b.name_ || a.view() == b.view();
    }
    friend bool operator==(const topic_name& a, std::string_view b) noexcept { return a.view() == b; }

    template <class Traits> friend std::basic_ostream<char, Traits>&
    operator<<(std::basic_ostream<char, Traits>& out, const topic_name& topic)
    {
        return out << topic.view();
    }

private:
    std::shared_ptr<const std::string> name_;
};

} // namespace kurier::inline KURIER_ABI
