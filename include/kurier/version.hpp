// The library's version. The build files read it from here.
#pragma once

#define KURIER_VERSION_MAJOR 0
#define KURIER_VERSION_MINOR 1
#define KURIER_VERSION_PATCH 0

// To compare: `#if KURIER_VERSION >= 10203` is true from 1.2.3 on.
#define KURIER_VERSION (KURIER_VERSION_MAJOR * 10000 + KURIER_VERSION_MINOR * 100 + KURIER_VERSION_PATCH)

#define KURIER_VERSION_STRING "0.1.0"
