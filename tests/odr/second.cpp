#include "every_header.hpp"

const void* second();

const void* second()
{
    static const char here = 0;
    return &here;
}
