// Passwords, tokens and keys: from where they are kept to where they are sent, and into no text on the way.
//
//     kurier::secret::from_file("/run/secrets/kafka")     read anew for each login, so it may be changed any time
//     kurier::secret::from_environment("KAFKA_PASSWORD")
//     kurier::secret::from_callback([] { return vault.fetch(); })
//     kurier::secret::literal("...")
//
// A secret says where the bytes come from; the bytes are what read() returns. They can't be copied or printed, are
// overwritten when they go, and lie in memory that core dumps leave out where the system can do that.
#pragma once

#include <kurier/bytes.hpp>
#include <kurier/error.hpp>

#include <boost/system/system_error.hpp>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <iosfwd>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace kurier::inline KURIER_ABI {

// Overwrites, also when nobody will read it again.
inline void wipe(std::span<std::byte> bytes) noexcept
{
    volatile std::byte* at = bytes.data();
    for (std::size_t i = 0; i < bytes.size(); ++i) at[i] = std::byte{0};
}

// The characters and what lies behind them in the string's memory.
inline void wipe(std::string& text) noexcept
{
    text.resize(text.capacity()); // allocates nothing
    wipe(std::as_writable_bytes(std::span{text.data(), text.size()}));
    text.clear();
}

namespace detail {

// Whole pages, because the system leaves those out of core dumps and no smaller pieces. Secrets are few.
inline std::byte* allocate_secret(std::size_t size)
{
#if defined(__linux__)
    void* memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc{};
    ::madvise(memory, size, MADV_DONTDUMP); // an old kernel may refuse
    return static_cast<std::byte*>(memory);
#else
    return static_cast<std::byte*>(::operator new(size));
#endif
}

inline void free_secret(std::byte* memory, std::size_t size) noexcept
{
    wipe({memory, size});
#if defined(__linux__)
    ::munmap(memory, size);
#else
    ::operator delete(memory);
#endif
}

} // namespace detail

class secret_bytes
{
public:
    secret_bytes() noexcept = default;
    explicit secret_bytes(std::size_t size) : data_{size ? detail::allocate_secret(size) : nullptr}
    {
        size_ = capacity_ = size;
    }
    explicit secret_bytes(bytes_view copied) : secret_bytes{copied.size()}
    {
        std::copy(copied.begin(), copied.end(), data_);
    }
    explicit secret_bytes(std::string_view copied) : secret_bytes{as_bytes(copied)} {}

    // Leaves nothing in the string.
    static secret_bytes taken_from(std::string& text)
    {
        secret_bytes taken{std::string_view{text}};
        wipe(text);
        return taken;
    }

    secret_bytes(const secret_bytes&) = delete;
    secret_bytes(secret_bytes&& other) noexcept
        : data_{std::exchange(other.data_, nullptr)}, size_{std::exchange(other.size_, 0)},
          capacity_{std::exchange(other.capacity_, 0)}
    {}
    secret_bytes& operator=(secret_bytes other) noexcept
    {
        std::swap(data_, other.data_);
        std::swap(size_, other.size_);
        std::swap(capacity_, other.capacity_);
        return *this;
    }
    ~secret_bytes()
    {
        if (data_) detail::free_secret(data_, capacity_);
    }

    bytes_view view() const noexcept { return {data_, size_}; }
    std::span<std::byte> span() noexcept { return {data_, size_}; }
    std::size_t size() const noexcept { return size_; }
    bool empty() const noexcept { return size_ == 0; }

    void shorten(std::size_t size) noexcept // what is cut off is overwritten with the rest
    {
        size_ = std::min(size, size_);
    }

private:
    std::byte* data_ = nullptr;
    std::size_t size_ = 0, capacity_ = 0;
};

class secret
{
public:
    static constexpr std::size_t size_max = 65536;

    secret() noexcept = default; // none

    // The secret itself, where it is known already.
    static secret literal(std::string value)
    {
        return secret{std::make_shared<const source>(secret_bytes::taken_from(value))};
    }

    // One line break at its end is not part of it: editors and echo add one.
    static secret from_file(std::string path)
    {
        return secret{std::make_shared<const source>(file{std::move(path)})};
    }

    // An environment variable, read when the secret is needed.
    static secret from_environment(std::string name)
    {
        return secret{std::make_shared<const source>(variable{std::move(name)})};
    }

    // Called for each login, where the engine runs; it must not block. What it throws becomes the login's failure.
    static secret from_callback(std::function<std::string()> fetch)
    {
        return secret{std::make_shared<const source>(std::move(fetch))};
    }

    explicit operator bool() const noexcept { return source_ != nullptr; }

    // The bytes as they are now. Throws when they can't be had; the text says why and whence, and nothing else.
    secret_bytes read() const
    {
        if (!source_) throw unavailable("there is none");
        secret_bytes bytes;
        if (const auto* kept = std::get_if<secret_bytes>(source_.get()))
            bytes = secret_bytes{kept->view()};
        else if (const auto* from = std::get_if<file>(source_.get()))
            bytes = read_file(from->path);
        else if (const auto* named = std::get_if<variable>(source_.get()))
            bytes = read_variable(named->name);
        else
            bytes = fetch(std::get<std::function<std::string()>>(*source_));
        if (bytes.size() > size_max)
            throw unavailable(whence() + " has more than " + std::to_string(size_max) + " bytes");
        return bytes;
    }

    // "the file /run/secrets/kafka"
    std::string whence() const
    {
        if (!source_) return "no source";
        if (const auto* from = std::get_if<file>(source_.get())) return "the file " + from->path;
        if (const auto* named = std::get_if<variable>(source_.get()))
            return "the environment variable " + named->name;
        return std::holds_alternative<secret_bytes>(*source_) ? "the configuration" : "a callback";
    }

    // From the same place; for literals, the same bytes.
    friend bool operator==(const secret& a, const secret& b) noexcept
    {
        if (a.source_ == b.source_) return true;
        if (!a.source_ || !b.source_ || a.source_->index() != b.source_->index()) return false;
        if (const auto* kept = std::get_if<secret_bytes>(a.source_.get()))
            return std::ranges::equal(kept->view(), std::get<secret_bytes>(*b.source_).view());
        if (const auto* from = std::get_if<file>(a.source_.get()))
            return from->path == std::get<file>(*b.source_).path;
        if (const auto* named = std::get_if<variable>(a.source_.get()))
            return named->name == std::get<variable>(*b.source_).name;
        return false;
    }

    template <class Traits> friend std::basic_ostream<char, Traits>&
    operator<<(std::basic_ostream<char, Traits>&, const secret&) = delete;
    template <class Traits> friend std::basic_ostream<char, Traits>&
    operator<<(std::basic_ostream<char, Traits>&, const secret_bytes&) = delete;

private:
    struct file
    {
        std::string path;
    };
    struct variable
    {
        std::string name;
    };
    using source = std::variant<secret_bytes, file, variable, std::function<std::string()>>;

    explicit secret(std::shared_ptr<const source> from) noexcept : source_{std::move(from)} {}

    static boost::system::system_error unavailable(const std::string& why)
    {
        return {make_error_code(errc::credential_unavailable), why};
    }

    // Without a buffer of the C library, which would keep a copy.
    static secret_bytes read_file(const std::string& path)
    {
        const std::unique_ptr<std::FILE, int (*)(std::FILE*)> open{std::fopen(path.c_str(), "rb"),
                                                                   &std::fclose};
        const auto failed = [&] {
            const error_code why{errno, boost::system::generic_category()};
            return unavailable("the file " + path + " can't be read: " + why.message());
        };
        if (!open) throw failed();
        std::setvbuf(open.get(), nullptr, _IONBF, 0);
        secret_bytes bytes{size_max + 3};
        const auto size = std::fread(bytes.span().data(), 1, bytes.size(), open.get());
        if (std::ferror(open.get())) throw failed();
        bytes.shorten(size);
        const auto text = as_text(bytes.view());
        if (text.ends_with('\n')) bytes.shorten(size - (text.ends_with("\r\n") ? 2 : 1));
        if (bytes.empty()) throw unavailable("the file " + path + " is empty");
        return bytes;
    }

    static secret_bytes read_variable(const std::string& name)
    {
        const char* value = std::getenv(name.c_str()); // NOLINT(concurrency-mt-unsafe): nobody sets it
        if (!value) throw unavailable("the environment variable " + name + " is not set");
        return secret_bytes{std::string_view{value}};
    }

    static secret_bytes fetch(const std::function<std::string()>& from)
    {
        auto text = from();
        return secret_bytes::taken_from(text);
    }

    std::shared_ptr<const source>
        source_; // shared, so that configurations can be copied and the bytes are not
};

} // namespace kurier::inline KURIER_ABI
