// The same headers as in second.cpp
#include "every_header.hpp"

const void* second();

int main()
{
    return second() == nullptr;
}
