#include <kurier/sasl/base64.hpp>

#include <doctest/doctest.h>

#include <string>

namespace {

using namespace kurier;
using sasl::base64_form;

std::string decoded(std::string_view text, base64_form form = base64_form::padded)
{
    const auto bytes = sasl::from_base64(text, form);
    return bytes ? std::string{as_text(*bytes)} : "refused";
}

} // namespace

TEST_CASE("base64 (RFC 4648, section 10), there and back")
{
    const char* vectors[][2] = {{"", ""},
                                {"f", "Zg=="},
                                {"fo", "Zm8="},
                                {"foo", "Zm9v"},
                                {"foob", "Zm9vYg=="},
                                {"fooba", "Zm9vYmE="},
                                {"foobar", "Zm9vYmFy"}};
    for (const auto& [plain, coded] : vectors) {
        CHECK(sasl::to_base64(as_bytes(plain)) == coded);
        CHECK(decoded(coded) == plain);
    }
    std::string every;
    for (int i = 0; i < 256; ++i) every += static_cast<char>(i);
    for (std::size_t size = 0; size < 256; ++size)
        for (const auto form : {base64_form::padded, base64_form::url})
            CHECK(decoded(sasl::to_base64(as_bytes(every.substr(size)), form), form) == every.substr(size));
    CHECK(sasl::to_base64(as_bytes("\xfb\xff"), base64_form::url) == "-_8");
    CHECK(sasl::to_base64(as_bytes("\xfb\xff")) == "+/8=");
}

TEST_CASE("what is not base64 is refused")
{
    for (const auto* text :
         {"Z", "Zg", "Zg=", "Zg===", "Zh==", "Zm9=", "Z===", "====", "Zm9v\n", "Zm 9", "Zm9-", "Z=g="})
        CHECK(decoded(text) == "refused");
    for (const auto* text : {"Z", "Zg==", "Zh", "Zm9+", "Zm9v="})
        CHECK(decoded(text, base64_form::url) == "refused");
}
