# Install rules: headers, CMake package, pkg-config file, licence
include(CMakePackageConfigHelpers)

# No library files: nothing depends on the architecture
set(KURIER_INSTALL_CMAKEDIR ${CMAKE_INSTALL_DATADIR}/cmake/kurier CACHE STRING "Where the CMake package goes")
mark_as_advanced(KURIER_INSTALL_CMAKEDIR)

install(DIRECTORY include/kurier DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
    FILES_MATCHING PATTERN "*.hpp" PATTERN "*.ipp")
install(TARGETS kurier EXPORT kurier-targets)
install(EXPORT kurier-targets NAMESPACE kurier:: DESTINATION ${KURIER_INSTALL_CMAKEDIR})

configure_package_config_file(cmake/kurier-config.cmake.in ${PROJECT_BINARY_DIR}/kurier-config.cmake
    INSTALL_DESTINATION ${KURIER_INSTALL_CMAKEDIR} NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/kurier-config-version.cmake
    COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
install(FILES ${PROJECT_BINARY_DIR}/kurier-config.cmake ${PROJECT_BINARY_DIR}/kurier-config-version.cmake
    cmake/kurier-components.cmake cmake/kurier-compiled.cpp cmake/kurier-testing-compiled.cpp cmake/kurier.cppm
    DESTINATION ${KURIER_INSTALL_CMAKEDIR})

configure_file(cmake/kurier.pc.in ${PROJECT_BINARY_DIR}/kurier.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/kurier.pc DESTINATION ${CMAKE_INSTALL_DATADIR}/pkgconfig)
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})

if(PROJECT_IS_TOP_LEVEL)
    set(CPACK_GENERATOR DEB)
    set(CPACK_PACKAGE_NAME libkurier-dev)
    set(CPACK_PACKAGE_CONTACT "the kurier authors <kurier@localhost>")
    set(CPACK_DEBIAN_PACKAGE_ARCHITECTURE all)
    set(CPACK_DEBIAN_PACKAGE_SECTION libdevel)
    set(CPACK_DEBIAN_PACKAGE_DEPENDS "libboost1.81-dev | libboost-dev (>= 1.81)")
    set(recommended "")
    foreach(component IN LISTS KURIER_HEADER_COMPONENTS)
        list(GET KURIER_${component}_LINE 2 package)
        if(package AND NOT package IN_LIST recommended)
            list(APPEND recommended ${package})
        endif()
    endforeach()
    list(JOIN recommended ", " CPACK_DEBIAN_PACKAGE_RECOMMENDS) # one is needed by whoever uses its component only
    set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
    set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
    include(CPack)
endif()
