# Runs the port as vcpkg would, with functions that do here what vcpkg's do: cmake -Dprefix=.. -Dport=.. -P run_port.cmake
set(PORT kurier)
set(CURRENT_PACKAGES_DIR "${prefix}")

function(vcpkg_cmake_configure)
    cmake_parse_arguments(PARSE_ARGV 0 arg "" "SOURCE_PATH" "OPTIONS")
    if(arg_UNPARSED_ARGUMENTS)
        message(FATAL_ERROR "vcpkg_cmake_configure knows no ${arg_UNPARSED_ARGUMENTS}")
    endif()
    execute_process(COMMAND "${CMAKE_COMMAND}" -S "${arg_SOURCE_PATH}" -B "${prefix}-build" "-DCMAKE_INSTALL_PREFIX=${prefix}"
        ${arg_OPTIONS} OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
    # vcpkg warns of options that a project doesn't know, too
    foreach(option IN LISTS arg_OPTIONS)
        string(REGEX MATCH "^-D([A-Z_]+)=" found "${option}")
        file(STRINGS "${prefix}-build/CMakeCache.txt" known REGEX "^${CMAKE_MATCH_1}:(BOOL|STRING)=")
        if(NOT known)
            message(FATAL_ERROR "kurier has no option ${CMAKE_MATCH_1}")
        endif()
    endforeach()
endfunction()

function(vcpkg_cmake_install)
    execute_process(COMMAND "${CMAKE_COMMAND}" --install "${prefix}-build" OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
endfunction()

function(require_file file)
    if(NOT EXISTS "${prefix}/${file}")
        message(FATAL_ERROR "there is no ${file}")
    endif()
endfunction()

function(vcpkg_cmake_config_fixup)
    require_file(share/${PORT}/${PORT}-config.cmake)
endfunction()

function(vcpkg_fixup_pkgconfig)
    require_file(share/pkgconfig/${PORT}.pc)
endfunction()

function(vcpkg_install_copyright)
    cmake_parse_arguments(PARSE_ARGV 0 arg "" "" "FILE_LIST")
    file(INSTALL "${arg_FILE_LIST}" DESTINATION "${prefix}/share/${PORT}" RENAME copyright)
endfunction()

include("${port}/portfile.cmake")

# What vcpkg looks at in the end
foreach(file IN ITEMS include/kurier/producer.hpp share/${PORT}/copyright share/${PORT}/usage)
    require_file(${file})
endforeach()
file(GLOB left RELATIVE "${prefix}" "${prefix}/*")
if(NOT left STREQUAL "include;share")
    message(FATAL_ERROR "a port of headers has include and share, this one ${left}")
endif()
