// The library's version. The build files read it from here.
#pragma once

#define KURIER_VERSION_MAJOR 0
#define KURIER_VERSION_MINOR 1
#define KURIER_VERSION_PATCH 0

#define KURIER_VERSION_STRING "0.1.0"
