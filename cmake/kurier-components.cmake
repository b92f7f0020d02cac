# Finds what kurier needs and makes its optional parts. The build and the installed package both include this
# file, so that a component means the same in either.

# The components that are headers, one line each. A new one joins here, and so joins what packaging/ makes, too:
#   name | headers below kurier/ | Debian | vcpkg | Conan: package, its component | pkg-config |
#       CMake package: targets that it may have | where there is none: header, library file
# The second half is empty for a component without a library of its own.
set(KURIER_COMPONENT_TABLE
    "gzip    | compression/gzip.hpp   | zlib1g-dev    | zlib   | zlib/[>=1.2.11 <2] zlib::zlib         | zlib    | ZLIB: ZLIB::ZLIB | zlib.h z"
    "snappy  | compression/snappy.hpp | libsnappy-dev | snappy | snappy/[>=1.1.8 <2] snappy::snappylib | snappy  | Snappy: Snappy::snappy Snappy::snappy-static | snappy.h snappy"
    "lz4     | compression/lz4.hpp    | liblz4-dev    | lz4    | lz4/[>=1.9.3 <2] lz4::lz4             | liblz4  | lz4: lz4::lz4 LZ4::lz4 LZ4::lz4_shared LZ4::lz4_static | lz4frame.h lz4"
    "zstd    | compression/zstd.hpp   | libzstd-dev   | zstd   | zstd/[>=1.4.5 <2] zstd::zstdlib       | libzstd | zstd: zstd::libzstd zstd::libzstd_shared zstd::libzstd_static | zstd.h zstd"
    "tls     | tls.hpp tls/transport.hpp testing/tls_broker.hpp | libssl-dev | openssl | openssl/[>=3.0 <4] openssl::ssl | libssl | OpenSSL: OpenSSL::SSL | openssl/ssl.h ssl"
    "sasl    | scram.hpp sasl.hpp sasl/scram.hpp sasl/scram_keys.hpp testing/scram_users.hpp | libssl-dev | openssl | openssl/[>=3.0 <4] openssl::crypto | libcrypto | OpenSSL: OpenSSL::Crypto | openssl/evp.h crypto"
    "oidc    | oidc.hpp http/exchange.hpp oauth/assertion.hpp oauth/from_config.hpp oauth/source.hpp | libssl-dev | openssl | openssl/[>=3.0 <4] openssl::ssl | libssl | OpenSSL: OpenSSL::SSL | openssl/ssl.h ssl"
    "testing | testing/embedded_broker.hpp testing/memory_network.hpp | | | | | |")

foreach(line IN LISTS KURIER_COMPONENT_TABLE)
    string(REGEX MATCH "^[a-z0-9_]+" component "${line}")
    list(APPEND KURIER_HEADER_COMPONENTS ${component})
    string(REGEX REPLACE " *\\| *" ";" KURIER_${component}_LINE "${line}")
endforeach()
set(KURIER_COMPONENTS ${KURIER_HEADER_COMPONENTS} compiled testing_compiled)
set(KURIER_SOURCES ${CMAKE_CURRENT_LIST_DIR}) # of kurier-compiled.cpp and kurier-testing-compiled.cpp

# Boost's headers as the target Boost::headers: from Boost's own CMake package where there is one, otherwise
# from the include path.
macro(kurier_require_boost)
    if(NOT TARGET Boost::headers)
        find_package(Boost 1.81 CONFIG QUIET)
    endif()
    if(NOT TARGET Boost::headers)
        kurier_find_boost_headers()
    endif()
endmacro()

function(kurier_find_boost_headers)
    find_path(KURIER_BOOST_INCLUDE_DIR boost/version.hpp)
    mark_as_advanced(KURIER_BOOST_INCLUDE_DIR)
    set(number 0)
    if(KURIER_BOOST_INCLUDE_DIR)
        file(STRINGS ${KURIER_BOOST_INCLUDE_DIR}/boost/version.hpp line REGEX "#define BOOST_VERSION ")
        string(REGEX MATCH "[0-9]+" number "${line}")
    endif()
    if(number LESS 108100)
        message(FATAL_ERROR "kurier needs the headers of Boost 1.81 or newer: "
            "Debian libboost1.81-dev, vcpkg boost-asio, Conan boost.")
    endif()
    add_library(Boost::headers INTERFACE IMPORTED GLOBAL)
    target_include_directories(Boost::headers SYSTEM INTERFACE ${KURIER_BOOST_INCLUDE_DIR})
endfunction()

function(kurier_first_target result)
    set(${result} "" PARENT_SCOPE)
    foreach(candidate IN LISTS ARGN)
        if(TARGET ${candidate})
            set(${result} ${candidate} PARENT_SCOPE)
            return()
        endif()
    endforeach()
endfunction()

# Sets `library_target` to a target that brings the component's library, or to nothing. A target that the user's project has
# already comes first. Distributions give it different names in a CMake package, or none; then header and library file are
# looked for.
function(kurier_find_library component packages header file)
    string(REGEX MATCH "^([^:]+): (.*)" found "${packages}")
    set(package ${CMAKE_MATCH_1})
    string(REPLACE " " ";" targets "${CMAKE_MATCH_2}")
    kurier_first_target(library_target ${targets})
    if(NOT library_target)
        find_package(${package} QUIET)
        kurier_first_target(library_target ${targets})
    endif()
    set(library_target "${library_target}" PARENT_SCOPE)
    if(library_target)
        return()
    endif()
    find_path(KURIER_${component}_INCLUDE_DIR ${header})
    find_library(KURIER_${component}_LIBRARY ${file})
    mark_as_advanced(KURIER_${component}_INCLUDE_DIR KURIER_${component}_LIBRARY)
    if(KURIER_${component}_INCLUDE_DIR AND KURIER_${component}_LIBRARY)
        add_library(kurier::lib${component} UNKNOWN IMPORTED GLOBAL)
        set_target_properties(kurier::lib${component} PROPERTIES
            IMPORTED_LOCATION "${KURIER_${component}_LIBRARY}"
            INTERFACE_INCLUDE_DIRECTORIES "${KURIER_${component}_INCLUDE_DIR}")
        set(library_target kurier::lib${component} PARENT_SCOPE)
    endif()
endfunction()

# Makes kurier::<component> for each name, and sets KURIER_<component>_MISSING to a sentence for each that
# cannot be used.
macro(kurier_add_components)
    foreach(component ${ARGN})
        if(NOT TARGET kurier::${component})
            kurier_add_component(${component})
        endif()
    endforeach()
endmacro()

# kurier::compiled and kurier::testing_compiled, for programs of many source files: what is not a template is compiled once,
# in a library that belongs to the user's build and so has its flags.
function(kurier_add_compiled name source definition)
    add_library(kurier_${name} STATIC EXCLUDE_FROM_ALL ${KURIER_SOURCES}/${source})
    add_library(kurier::${name} ALIAS kurier_${name})
    target_compile_definitions(kurier_${name} PUBLIC ${definition})
    target_link_libraries(kurier_${name} PUBLIC kurier::kurier)
endfunction()

# kurier::module, for `import kurier;`. Only for whoever asks for it by name: CMake wants a compiler that knows modules.
function(kurier_add_module)
    if(CMAKE_VERSION VERSION_LESS 3.28)
        set(KURIER_module_MISSING "kurier::module needs CMake 3.28 or newer" PARENT_SCOPE)
        return()
    endif()
    add_library(kurier_module STATIC EXCLUDE_FROM_ALL)
    target_sources(kurier_module PUBLIC FILE_SET CXX_MODULES BASE_DIRS ${KURIER_SOURCES} FILES ${KURIER_SOURCES}/kurier.cppm)
    target_link_libraries(kurier_module PUBLIC kurier::kurier)
    set_target_properties(kurier_module PROPERTIES CXX_SCAN_FOR_MODULES ON)
    add_library(kurier::module ALIAS kurier_module)
endfunction()

function(kurier_add_component component)
    if(component STREQUAL compiled)
        kurier_add_compiled(compiled kurier-compiled.cpp KURIER_SEPARATE_COMPILATION)
        return()
    elseif(component STREQUAL testing_compiled)
        kurier_add_compiled(testing_compiled kurier-testing-compiled.cpp KURIER_SEPARATE_TESTING)
        return()
    elseif(component STREQUAL module)
        kurier_add_module()
        set(KURIER_module_MISSING "${KURIER_module_MISSING}" PARENT_SCOPE)
        return()
    endif()
    add_library(kurier::${component} INTERFACE IMPORTED GLOBAL)
    target_link_libraries(kurier::${component} INTERFACE kurier::kurier)
    list(GET KURIER_${component}_LINE 2 3 4 6 7 fields)
    list(POP_FRONT fields debian vcpkg conan packages files)
    if(NOT packages)
        return()
    endif()
    string(REGEX MATCH "^[^ ]+ [^ ]+" files "${files}")
    string(REPLACE " " ";" files "${files}")
    kurier_find_library(${component} "${packages}" ${files})
    if(library_target)
        target_link_libraries(kurier::${component} INTERFACE ${library_target})
    else()
        string(REGEX REPLACE "/.*" "" conan "${conan}")
        set(hint "kurier::${component} needs a library that was not found (Debian ${debian}, vcpkg ${vcpkg}, Conan ${conan})")
        # CMake takes a name with :: for a target and stops with this very text, but only if somebody links to it
        target_link_libraries(kurier::${component} INTERFACE "${hint}")
        set(KURIER_${component}_MISSING "${hint}" PARENT_SCOPE)
    endif()
endfunction()
