// An API as request_handler sees it, whatever its messages are: decoded, answered, with what the test changes, encoded.
#pragma once

#include <kurier/protocol/frame.hpp>
#include <kurier/testing/apis/all.hpp>
#include <kurier/testing/interception.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

namespace kurier::inline KURIER_ABI::testing {

enum class decoded : std::uint8_t { well, not_canonical, malformed };

class served_api
{
public:
    virtual ~served_api() = default;

    virtual bool flexible(std::int16_t version) const noexcept = 0;

    // The response is appended to `out`; `late`: the one for followers that don't copy in time (call::awaited).
    virtual decoded answer(call& call, const request_view& request, const fault& ordered,
                           std::vector<std::byte>& out, std::vector<std::byte>& late) = 0;

    // False: there is no response to a version that isn't offered.
    virtual bool answer_unsupported(const call& call, const request_view& request,
                                    std::vector<std::byte>& out) const = 0;

    virtual void clear_editor() noexcept = 0;
};

template <class Response> using response_editor = std::function<void(broker_id, Response&)>;

template <class Response> class responding : public served_api
{
public:
    response_editor<Response> editor;

    void clear_editor() noexcept final { editor = nullptr; }
};

template <class Request> class served final : public responding<typename api<Request>::response>
{
public:
    explicit served(const broker_parts& parts) : api_{parts} {}

    const api<Request>& what() const noexcept { return api_; }

    bool flexible(std::int16_t version) const noexcept override { return Request::flexible(version); }

    decoded answer(call& call, const request_view& request, const fault& ordered, std::vector<std::byte>& out,
                   std::vector<std::byte>& late) override
    {
        if (!Request::valid(request.version) || !protocol::decode(request.body, request.version, asked_))
            return decoded::malformed;
        if (ordered.error != broker_errc::none)
            api_.fail(call, ordered.error, asked_, told_);
        else
            api_.answer(call, asked_, told_);
        if constexpr (requires { told_.throttle_time_ms; }) told_.throttle_time_ms = ordered.throttle_ms;
        if constexpr (requires { api_.time_out(told_); }) {
            if (!call.awaited.empty()) {
                auto too_late = told_; // before an editor changes what is where
                api_.time_out(too_late);
                write(call, request, too_late, late);
            }
        }
        if (!call.unanswered) write(call, request, told_, out);
        const bool canonical = protocol::encoded_size(asked_, request.version) == request.body.size();
        return canonical ? decoded::well : decoded::not_canonical;
    }

    bool answer_unsupported(const call& call, const request_view& request,
                            std::vector<std::byte>& out) const override
    {
        if constexpr (requires { api_.unsupported(call); })
            return protocol::write_response_frame(out, api_.unsupported(call), 0, request.correlation_id);
        else
            return false;
    }

private:
    void write(const call& call, const request_view& request, typename api<Request>::response& told,
               std::vector<std::byte>& out) const
    {
        if (this->editor) this->editor(call.broker, told);
        protocol::write_response_frame(out, told, request.version, request.correlation_id);
    }

    api<Request> api_;
    Request asked_; // kept for their memory
    typename api<Request>::response told_;
};

} // namespace kurier::inline KURIER_ABI::testing
