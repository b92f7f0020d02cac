// What is in a file with certificates or keys: told by its content, because names and types are often wrong. Java takes
// PEM with any white space in it, on a single line for one, so it is put into OpenSSL's form first.
#pragma once

#include <kurier/bytes.hpp>
#include <kurier/secret.hpp>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace kurier::inline KURIER_ABI::openssl {

enum class store_form : unsigned char { pem, der, java, unknown };

inline store_form form_of(bytes_view content) noexcept
{
    const auto text = as_text(content);
    if (text.starts_with("\xfe\xed\xfe\xed") || text.starts_with("\xce\xce\xce\xce")) return store_form::java;
    if (text.starts_with("\x30\x82") || text.starts_with("\x30\x80")) return store_form::der;
    return text.find("-----BEGIN ") == std::string_view::npos ? store_form::unknown : store_form::pem;
}

inline constexpr std::size_t store_size_max = 16 * 1024 * 1024;

// The bytes of a file that may hold a key. Throws std::runtime_error with a sentence.
inline secret_bytes read_store(const std::string& path)
{
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file{std::fopen(path.c_str(), "rb"), &std::fclose};
    const auto failed = [&] {
        return std::runtime_error{path + " can't be read: " + std::generic_category().message(errno)};
    };
    if (!file) throw failed();
    std::setvbuf(file.get(), nullptr, _IONBF, 0); // a buffer would keep a copy
    if (std::fseek(file.get(), 0, SEEK_END) != 0) throw failed();
    const long size = std::ftell(file.get());
    if (size < 0 || std::fseek(file.get(), 0, SEEK_SET) != 0) throw failed();
    if (size == 0) throw std::runtime_error{path + " is empty"};
    if (static_cast<std::size_t>(size) > store_size_max)
        throw std::runtime_error{path + " is larger than 16 MiB"};
    secret_bytes bytes{static_cast<std::size_t>(size)};
    bytes.shorten(std::fread(bytes.span().data(), 1, bytes.size(), file.get()));
    if (std::ferror(file.get())) throw failed();
    return bytes;
}

// Overwritten when it goes.
class wiped_text
{
public:
    explicit wiped_text(std::size_t capacity) { text_.reserve(capacity); }
    explicit wiped_text(bytes_view copied) : text_{as_text(copied)} {}
    wiped_text(const wiped_text&) = delete;
    wiped_text& operator=(const wiped_text&) = delete;
    ~wiped_text() { wipe(text_); }

    std::string& operator*() noexcept { return text_; }
    const std::string& operator*() const noexcept { return text_; }

private:
    std::string text_;
};

namespace detail {

// The lines of one block, base64 without what is between its characters.
inline void append_base64(std::string& out, std::string_view body)
{
    std::size_t column = 0;
    for (std::size_t i = 0; i < body.size(); ++i) {
        const char c = body[i];
        if (c == '\\' && i + 1 < body.size() && (body[i + 1] == 'n' || body[i + 1] == 'r')) {
            ++i; // a line break that was written as two characters
            continue;
        }
        if (static_cast<unsigned char>(c) <= ' ') continue;
        out += c;
        if (++column == 64) {
            out += '\n';
            column = 0;
        }
    }
    if (column > 0) out += '\n';
}

} // namespace detail

// Every block of a PEM text on lines of its own; what is between blocks is left out.
inline void normalise_pem(std::string_view text, wiped_text& into)
{
    auto& out = *into;
    out.reserve(text.size() + text.size() / 32 + 256); // at once: what is moved would leave a copy
    for (;;) {
        constexpr std::string_view begin = "-----BEGIN ", end = "-----END ", dashes = "-----";
        const auto from = text.find(begin);
        if (from == std::string_view::npos) return;
        const auto label_end = text.find(dashes, from + begin.size());
        if (label_end == std::string_view::npos) return;
        const auto head = text.substr(from, label_end + dashes.size() - from);
        text.remove_prefix(label_end + dashes.size());
        const auto to = text.find(end);
        const auto tail_end = to == std::string_view::npos ? to : text.find(dashes, to + end.size());
        if (tail_end == std::string_view::npos) return;
        const auto body = text.substr(0, to);
        out.append(head).append("\n");
        if (body.find("Proc-Type:") !=
            std::string_view::npos) // an old encrypted key has headers, and needs its lines
            out.append(body.substr(std::min(body.find_first_not_of("\r\n"), body.size())));
        else
            detail::append_base64(out, body);
        out.append(text.substr(to, tail_end + dashes.size() - to)).append("\n");
        text.remove_prefix(tail_end + dashes.size());
    }
}

} // namespace kurier::inline KURIER_ABI::openssl
