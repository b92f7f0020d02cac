// An object that its handlers keep alive. The count isn't atomic: everything runs on one strand.
#pragma once

#include <kurier/config.hpp>

#include <cstddef>

namespace kurier::inline KURIER_ABI::io {

class counted
{
public:
    counted(const counted&) = delete;
    counted& operator=(const counted&) = delete;

    friend void intrusive_ptr_add_ref(counted* c) noexcept { ++c->references_; }
    friend void intrusive_ptr_release(counted* c) noexcept
    {
        if (--c->references_ == 0) delete c;
    }

protected:
    counted() = default;
    virtual ~counted() = default;

private:
    std::size_t references_ = 0;
};

} // namespace kurier::inline KURIER_ABI::io
