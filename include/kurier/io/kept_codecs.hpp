// A codec list and a factory for more of the same kind: each compressing thread needs its own.
#pragma once

#include <kurier/compression.hpp>

#include <memory>

namespace kurier::inline KURIER_ABI::io {

struct kept_codecs
{
    std::shared_ptr<void> list;
    codecs_ref codecs;
};
using codec_factory = kept_codecs (*)();

} // namespace kurier::inline KURIER_ABI::io
