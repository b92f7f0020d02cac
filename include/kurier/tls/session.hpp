// One end of a TLS connection as a machine over bytes: ciphertext from the peer goes in, ciphertext for the peer comes
// out, and who moves it is somebody else's business (tls/transport.hpp). OpenSSL reads and writes memory only.
//
// Many records are sealed at once into one piece of memory, so that one write carries them all, and a record is filled
// from several pieces: a request's header doesn't travel in a record of its own.
#pragma once

#include <kurier/bytes.hpp>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <span>
#include <vector>

namespace kurier::inline KURIER_ABI::openssl {

inline constexpr std::size_t record_max = SSL3_RT_MAX_PLAIN_LENGTH; // 16 KiB
inline constexpr std::size_t records_at_once = 16;

enum class outcome : std::uint8_t {
    done,
    starved, // the peer has to send more first
    closed,  // it said that it sends nothing more (close_notify)
    failed,  // error() says why
};

class session
{
public:
    enum class side : std::uint8_t { client, server };

    session(SSL_CTX* context, side which)
        : input_{std::make_unique_for_overwrite<std::byte[]>(input_max)},
          stage_{std::make_unique_for_overwrite<std::byte[]>(record_max)}, ssl_{SSL_new(context)}
    {
        BIO* bytes = ssl_ ? BIO_new(memory_bio()) : nullptr;
        if (!bytes) throw std::bad_alloc{};
        BIO_set_data(bytes, this);
        BIO_set_init(bytes, 1);
        SSL_set_bio(ssl_.get(), bytes, bytes);
        // Sessions aren't resumed by Kafka's brokers, and renegotiation is refused by them too.
        SSL_set_options(ssl_.get(), SSL_OP_NO_RENEGOTIATION);
        SSL_clear_mode(ssl_.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_RELEASE_BUFFERS);
        if (which == side::client)
            SSL_set_connect_state(ssl_.get());
        else
            SSL_set_accept_state(ssl_.get());
    }
    session(const session&) = delete;
    session& operator=(const session&) = delete;

    SSL* native() const noexcept { return ssl_.get(); }

    // --- from the peer

    std::span<std::byte> input_space() noexcept
    {
        if (input_begin_ == input_end_) input_begin_ = input_end_ = 0;
        return {input_.get() + input_end_, input_max - input_end_};
    }
    void received(std::size_t size) noexcept
    {
        if (received_ < first_.size()) {
            const auto more = std::min(size, first_.size() - received_);
            std::memcpy(first_.data() + received_, input_.get() + input_end_, more);
        }
        received_ += size;
        input_end_ += size;
    }

    // The first bytes that came: they tell what else than TLS the peer speaks.
    bytes_view first_bytes() const noexcept
    {
        return {first_.data(), static_cast<std::size_t>(std::min<std::uint64_t>(received_, first_.size()))};
    }

    outcome handshake() noexcept
    {
        ERR_clear_error();
        return after(SSL_do_handshake(ssl_.get()));
    }
    bool established() const noexcept { return SSL_is_init_finished(ssl_.get()) != 0; }

    // Plaintext, as much as there is and fits. Bytes may be there beside any outcome.
    outcome read(std::span<std::byte> into, std::size_t& size) noexcept
    {
        size = 0;
        for (;;) {
            ERR_clear_error();
            std::size_t more = 0;
            const int result = SSL_read_ex(ssl_.get(), into.data() + size, into.size() - size, &more);
            size += more;
            if (result != 1) return after(result);
            if (size == into.size()) return outcome::done;
        }
    }

    // --- to the peer

    // Makes records of plaintext that lies in several pieces, as much as one write should carry. False: it has failed.
    template <class Pieces> bool seal(const Pieces& pieces)
    {
        std::size_t staged = 0, records = 0;
        for (const auto& piece : pieces) {
            const auto* data = static_cast<const std::byte*>(piece.data());
            auto left = piece.size();
            while (left > 0) {
                if (records == records_at_once) return true; // nothing is staged then
                auto size = std::min(left, record_max - staged);
                if (size == record_max) {
                    if (!seal_record(data, size)) return false;
                    ++records;
                } else {
                    std::memcpy(stage_.get() + staged, data, size);
                    staged += size;
                    if (staged == record_max) {
                        if (!seal_record(stage_.get(), staged)) return false;
                        staged = 0;
                        ++records;
                    }
                }
                data += size;
                left -= size;
            }
        }
        return staged == 0 || seal_record(stage_.get(), staged);
    }

    // Ciphertext to be written. It stays where it is from lend() until take_back().
    bytes_view output() const noexcept
    {
        return {output_.data() + output_begin_, output_.size() - output_begin_};
    }
    void lend() noexcept { lent_ = true; }

    // The first `size` bytes of it are on their way. Returns how much plaintext has gone with them, by whole records: of a
    // part of one, the peer can make nothing.
    std::size_t written(std::size_t size) noexcept
    {
        output_begin_ += size;
        written_ += size;
        std::size_t plain = 0, whole = 0;
        while (whole < records_.size() && records_[whole].end <= written_) plain += records_[whole++].plain;
        records_.erase(records_.begin(), records_.begin() + static_cast<std::ptrdiff_t>(whole));
        sealed_ -= plain;
        if (output_begin_ == output_.size()) {
            output_.clear();
            output_begin_ = 0;
        }
        return plain;
    }
    void take_back()
    {
        lent_ = false;
        output_.insert(output_.end(), held_back_.begin(), held_back_.end());
        held_back_.clear();
    }

    // Plaintext that is sealed and has not gone.
    std::size_t sealed() const noexcept { return sealed_; }

    // Says that nothing more will be sent.
    void close() noexcept
    {
        if (!established() || broken_) return;
        ERR_clear_error();
        SSL_shutdown(ssl_.get());
        ERR_clear_error();
    }

    // OpenSSL's, of what failed; 0: it ran out of memory.
    unsigned long error() const noexcept { return error_; }

private:
    struct record
    {
        std::uint64_t end; // of its ciphertext, counted from the beginning of the connection
        std::size_t plain;
    };

    static constexpr std::size_t input_max = 65536;

    bool seal_record(const std::byte* data, std::size_t size)
    {
        ERR_clear_error();
        std::size_t taken = 0;
        if (SSL_write_ex(ssl_.get(), data, size, &taken) != 1) {
            after(0);
            broken_ = true;
            return false;
        }
        records_.push_back({written_ + output().size() + held_back_.size(), size});
        sealed_ += size;
        return true;
    }

    outcome after(int result) noexcept
    {
        const int what = SSL_get_error(ssl_.get(), result);
        if (what == SSL_ERROR_NONE) return outcome::done;
        if (what == SSL_ERROR_WANT_READ) return outcome::starved;
        if (what == SSL_ERROR_ZERO_RETURN) return outcome::closed;
        broken_ = true;
        error_ = ERR_peek_error();
        ERR_clear_error();
        return outcome::failed;
    }

    // --- OpenSSL's side

    static session& of(BIO* bio) noexcept { return *static_cast<session*>(BIO_get_data(bio)); }

    static int take(BIO* bio, const char* data, int size) noexcept
    {
        auto& self = of(bio);
        BIO_clear_retry_flags(bio);
        const auto bytes = std::as_bytes(std::span{data, static_cast<std::size_t>(size)});
        try {
            auto& to = self.lent_ ? self.held_back_ : self.output_;
            to.insert(to.end(), bytes.begin(), bytes.end());
        } catch (const std::bad_alloc&) {
            return -1;
        }
        return size;
    }

    static int give(BIO* bio, char* space, int size) noexcept
    {
        auto& self = of(bio);
        BIO_clear_retry_flags(bio);
        const auto some = std::min(static_cast<std::size_t>(size), self.input_end_ - self.input_begin_);
        if (some == 0) {
            BIO_set_retry_read(bio);
            return -1;
        }
        std::memcpy(space, self.input_.get() + self.input_begin_, some);
        self.input_begin_ += some;
        return static_cast<int>(some);
    }

    static long control(BIO*, int what, long, void*) noexcept { return what == BIO_CTRL_FLUSH ? 1 : 0; }

    static BIO_METHOD* memory_bio()
    {
        static BIO_METHOD* const method = [] { // for ever: an engine may outlive what is destroyed at exit
            BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "kurier");
            if (!made) throw std::bad_alloc{};
            BIO_meth_set_write(made, &session::take);
            BIO_meth_set_read(made, &session::give);
            BIO_meth_set_ctrl(made, &session::control);
            return made;
        }();
        return method;
    }

    struct free_ssl
    {
        void operator()(SSL* ssl) const noexcept { SSL_free(ssl); }
    };

    std::unique_ptr<std::byte[]> input_;
    std::size_t input_begin_ = 0, input_end_ = 0;
    std::array<std::byte, 16> first_{};
    std::uint64_t received_ = 0;
    std::unique_ptr<std::byte[]> stage_;        // a record that is put together
    std::vector<std::byte> output_, held_back_; // held back while the other one is lent
    std::size_t output_begin_ = 0;
    std::uint64_t written_ = 0;
    std::vector<record> records_; // that have not gone, or not whole
    std::size_t sealed_ = 0;
    bool lent_ = false, broken_ = false;
    unsigned long error_ = 0;
    std::unique_ptr<SSL, free_ssl> ssl_; // uses what is above
};

} // namespace kurier::inline KURIER_ABI::openssl
