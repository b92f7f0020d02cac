# Finds what kurier needs and makes its optional parts. The build and the installed package both include this
# file, so that a component means the same in either.

set(KURIER_COMPONENTS zstd lz4 snappy gzip testing compiled testing_compiled)
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

# Sets <library>_target to a target that brings the library, or to nothing. `targets` are the names that
# distributions give it in a CMake package; without one, header and library file are looked for.
function(kurier_find_library library package header file targets)
    find_package(${package} QUIET)
    foreach(candidate IN LISTS targets)
        if(TARGET ${candidate})
            set(${library}_target ${candidate} PARENT_SCOPE)
            return()
        endif()
    endforeach()
    find_path(KURIER_${library}_INCLUDE_DIR ${header})
    find_library(KURIER_${library}_LIBRARY ${file})
    mark_as_advanced(KURIER_${library}_INCLUDE_DIR KURIER_${library}_LIBRARY)
    if(KURIER_${library}_INCLUDE_DIR AND KURIER_${library}_LIBRARY)
        add_library(kurier::lib${library} UNKNOWN IMPORTED GLOBAL)
        set_target_properties(kurier::lib${library} PROPERTIES
            IMPORTED_LOCATION "${KURIER_${library}_LIBRARY}"
            INTERFACE_INCLUDE_DIRECTORIES "${KURIER_${library}_INCLUDE_DIR}")
        set(${library}_target kurier::lib${library} PARENT_SCOPE)
    endif()
endfunction()

function(kurier_find_codec component)
    if(component STREQUAL zstd)
        set(packages "Debian libzstd-dev, vcpkg zstd, Conan zstd")
        kurier_find_library(zstd zstd zstd.h zstd "zstd::libzstd;zstd::libzstd_shared;zstd::libzstd_static")
    elseif(component STREQUAL lz4)
        set(packages "Debian liblz4-dev, vcpkg lz4, Conan lz4")
        kurier_find_library(lz4 lz4 lz4frame.h lz4 "lz4::lz4;LZ4::lz4;LZ4::lz4_shared;LZ4::lz4_static")
    elseif(component STREQUAL snappy)
        set(packages "Debian libsnappy-dev, vcpkg snappy, Conan snappy")
        kurier_find_library(snappy Snappy snappy-c.h snappy "Snappy::snappy;Snappy::snappy-static")
    elseif(component STREQUAL gzip)
        set(packages "Debian zlib1g-dev, vcpkg zlib, Conan zlib")
        kurier_find_library(gzip ZLIB zlib.h z "ZLIB::ZLIB")
    endif()
    set(codec_target "${${component}_target}" PARENT_SCOPE)
    set(codec_hint "kurier::${component} needs a library that was not found (${packages})" PARENT_SCOPE)
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

function(kurier_add_component component)
    if(component STREQUAL compiled)
        kurier_add_compiled(compiled kurier-compiled.cpp KURIER_SEPARATE_COMPILATION)
        return()
    elseif(component STREQUAL testing_compiled)
        kurier_add_compiled(testing_compiled kurier-testing-compiled.cpp KURIER_SEPARATE_TESTING)
        return()
    endif()
    add_library(kurier::${component} INTERFACE IMPORTED GLOBAL)
    target_link_libraries(kurier::${component} INTERFACE kurier::kurier)
    if(component STREQUAL testing)
        return()
    endif()
    kurier_find_codec(${component})
    if(codec_target)
        target_link_libraries(kurier::${component} INTERFACE ${codec_target})
    else()
        # CMake takes a name with :: for a target and stops with this very text, but only if somebody links to it
        target_link_libraries(kurier::${component} INTERFACE "${codec_hint}")
        set(KURIER_${component}_MISSING "${codec_hint}" PARENT_SCOPE)
    endif()
endfunction()
