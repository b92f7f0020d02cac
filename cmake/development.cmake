# What tests, examples and benchmarks share: warnings, sanitizers, ccache. Nothing here reaches a user's targets.

find_program(CCACHE_PROGRAM ccache)
mark_as_advanced(CCACHE_PROGRAM)
if(CCACHE_PROGRAM AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
    set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
endif()

set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
set(CMAKE_CXX_EXTENSIONS OFF)

add_library(kurier_flags INTERFACE)
target_compile_options(kurier_flags INTERFACE
    -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow
    $<$<BOOL:${KURIER_WERROR}>:-Werror>
    $<$<CXX_COMPILER_ID:GNU>:--param=ggc-min-heapsize=1000000>) # a tenth quicker: it collects no garbage below a gigabyte
if(KURIER_SANITIZE)
    target_compile_options(kurier_flags INTERFACE
        -fsanitize=${KURIER_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_link_options(kurier_flags INTERFACE -fsanitize=${KURIER_SANITIZE})
endif()
target_link_libraries(kurier_compiled PRIVATE kurier_flags)
target_link_libraries(kurier_testing_compiled PRIVATE kurier_flags)

add_library(kurier_development INTERFACE)
target_link_libraries(kurier_development INTERFACE kurier::kurier kurier_flags)
target_include_directories(kurier_development INTERFACE ${PROJECT_SOURCE_DIR}/tests)

# Nearly all programs: what is no template is compiled once for all of them, not once in each
add_library(kurier_development_compiled INTERFACE)
target_link_libraries(kurier_development_compiled INTERFACE kurier_development kurier::compiled kurier::testing_compiled)

# Links a program with the components whose headers its sources include. Without one of them it isn't built.
function(kurier_link_used_components target)
    target_link_libraries(${target} PRIVATE kurier_development)
    get_target_property(sources ${target} SOURCES)
    foreach(source IN LISTS sources)
        file(STRINGS ${source} includes REGEX "#include <kurier/")
        foreach(component IN LISTS KURIER_HEADER_COMPONENTS)
            list(GET KURIER_${component}_LINE 1 headers)
            string(REPLACE " " "|" headers "${headers}")
            string(REGEX MATCH "<kurier/(${headers})>" included "${includes}")
            if(NOT included)
                continue()
            endif()
            if(DEFINED KURIER_${component}_MISSING)
                message(STATUS "${target} is left out: ${KURIER_${component}_MISSING}")
                set_target_properties(${target} PROPERTIES EXCLUDE_FROM_ALL TRUE)
            else()
                target_link_libraries(${target} PRIVATE kurier::${component})
            endif()
        endforeach()
    endforeach()
endfunction()

# One program for each source file of a folder, with the library's bodies compiled apart. TOGETHER, if given,
# is a target for all of them; `programs` is those of all folders, without the tests.
add_custom_target(programs)
function(kurier_add_programs folder)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" TOGETHER "")
    if(arg_TOGETHER)
        add_custom_target(${arg_TOGETHER})
    endif()
    file(GLOB sources CONFIGURE_DEPENDS ${folder}/*.cpp)
    foreach(source IN LISTS sources)
        get_filename_component(name ${source} NAME_WE)
        add_executable(${name} ${source})
        target_link_libraries(${name} PRIVATE kurier_development_compiled)
        kurier_link_used_components(${name})
        get_target_property(left_out ${name} EXCLUDE_FROM_ALL)
        if(NOT left_out)
            add_dependencies(programs ${name})
            if(arg_TOGETHER)
                add_dependencies(${arg_TOGETHER} ${name})
            endif()
        endif()
    endforeach()
endfunction()
