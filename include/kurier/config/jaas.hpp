// sasl.jaas.config, by the grammar of Kafka's Java client (JaasConfig over a StreamTokenizer):
//
//     org.apache.kafka.common.security.plain.PlainLoginModule required username="alice" password="secret";
//
// What is wrong is told without anything of the text but names: any value may be a password.
#pragma once

#include <kurier/secret.hpp>
#include <kurier/wire/escape.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kurier::inline KURIER_ABI::detail {

struct jaas_entry
{
    std::string module; // the class
    std::vector<std::pair<std::string, std::string>> options;

    jaas_entry() = default;
    jaas_entry(const jaas_entry&) = delete;
    jaas_entry& operator=(const jaas_entry&) = delete;
    ~jaas_entry()
    {
        for (auto& [name, value] : options) wipe(value);
    }

    std::string* find(std::string_view name)
    {
        for (auto at = options.rbegin(); at != options.rend(); ++at) // the last one counts
            if (at->first == name) return &at->second;
        return nullptr;
    }
};

class jaas_parser
{
public:
    explicit jaas_parser(std::string_view text) : rest_{text} {}
    ~jaas_parser() { wipe(word_); }

    // False: problem() says why.
    bool parse(jaas_entry& entry)
    {
        next();
        if (token_ != token::word) return fail("begins with no login module's class");
        entry.module = word_;
        next();
        if (token_ != token::word || !is_flag(word_))
            return fail("has no flag behind the class; write required");
        for (next(); token_ != token::semicolon; next())
            if (!parse_option(entry)) return false;
        next();
        return token_ == token::end || fail("goes on behind the semicolon; it takes one login module");
    }

    const std::string& problem() const noexcept { return problem_; }

private:
    enum class token : unsigned char { word, quoted, equals, semicolon, other, end };

    bool fail(std::string why)
    {
        problem_ = std::move(why);
        return false;
    }

    bool parse_option(jaas_entry& entry)
    {
        if (token_ == token::end) return fail("is not terminated by a semicolon");
        const auto hint =
            "; put values in double quotes that are more than letters and digits, or begin with a digit";
        if (token_ != token::word)
            return fail(entry.options.empty() ? "has no name of an option where there should be one"
                                              : "has no name of an option behind that of " +
                                                    wire::escape(entry.options.back().first, 80) + hint);
        const auto name = wire::escape(word_, 80);
        auto& [key, value] = entry.options.emplace_back(std::move(word_), std::string{});
        next();
        if (token_ != token::equals)
            return fail("has no value for an option" + std::string{hint}); // whose name may be one
        next();
        if (token_ != token::word && token_ != token::quoted)
            return fail("has no value that can be read for " + name + hint);
        value = std::move(word_);
        word_.clear();
        return true;
    }

    static bool is_flag(std::string_view word)
    {
        const auto same = [&](std::string_view flag) {
            if (word.size() != flag.size()) return false;
            for (std::size_t i = 0; i < flag.size(); ++i)
                if ((word[i] | 0x20) != flag[i]) return false;
            return true;
        };
        return same("required") || same("requisite") || same("sufficient") || same("optional");
    }

    // --- tokens ------------------------------------------------------------------------------------------------------

    static bool starts_word(char c)
    {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$' ||
               static_cast<unsigned char>(c) >= 0x80;
    }
    static bool continues_word(char c)
    {
        return starts_word(c) || (c >= '0' && c <= '9') || c == '-' || c == '.';
    }

    void skip_blanks_and_comments()
    {
        for (;;) {
            if (!rest_.empty() && static_cast<unsigned char>(rest_.front()) <= ' ') {
                rest_.remove_prefix(1);
            } else if (rest_.starts_with("/*")) {
                const auto end = rest_.find("*/", 2);
                rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 2);
            } else if (rest_.starts_with(
                           '/')) { // one slash begins a comment too: it is a StreamTokenizer's default
                rest_.remove_prefix(std::min(rest_.find_first_of("\r\n"), rest_.size()));
            } else {
                return;
            }
        }
    }

    void next()
    {
        skip_blanks_and_comments();
        wipe(word_);
        if (rest_.empty()) {
            token_ = token::end;
            return;
        }
        const char c = rest_.front();
        if (starts_word(c)) {
            std::size_t size = 1;
            while (size < rest_.size() && continues_word(rest_[size])) ++size;
            word_ = rest_.substr(0, size);
            rest_.remove_prefix(size);
            token_ = token::word;
            return;
        }
        rest_.remove_prefix(1);
        if (c == '"' || c == '\'')
            take_quoted(c);
        else
            token_ = c == '=' ? token::equals : c == ';' ? token::semicolon : token::other;
    }

    // To the closing quote, or to the end of the line, as Java has it.
    void take_quoted(char quote)
    {
        word_.reserve(rest_.size()); // growing would leave copies behind
        while (!rest_.empty() && rest_.front() != '\n' && rest_.front() != '\r') {
            const char c = rest_.front();
            rest_.remove_prefix(1);
            if (c == quote) {
                token_ = token::quoted;
                return;
            }
            word_ += c == '\\' && !rest_.empty() ? unescaped() : c;
        }
        token_ = token::other;
    }

    char unescaped()
    {
        const char c = rest_.front();
        if (c >= '0' && c <= '7') {
            const std::size_t digits_max = c <= '3' ? 3 : 2;
            unsigned value = 0;
            for (std::size_t i = 0; i < digits_max && !rest_.empty() && rest_[0] >= '0' && rest_[0] <= '7';
                 ++i) {
                value = value * 8 + static_cast<unsigned>(rest_[0] - '0');
                rest_.remove_prefix(1);
            }
            return static_cast<char>(value);
        }
        rest_.remove_prefix(1);
        constexpr std::string_view letters = "abfnrtv", meanings = "\a\b\f\n\r\t\v";
        const auto found = letters.find(c);
        return found == std::string_view::npos ? c : meanings[found];
    }

    std::string_view rest_;
    token token_ = token::end;
    std::string word_, problem_;
};

} // namespace kurier::inline KURIER_ABI::detail
