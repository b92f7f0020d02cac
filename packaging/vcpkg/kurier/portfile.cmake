set(VCPKG_BUILD_TYPE release) # headers only

# An overlay: the sources are the tree that this port lies in. For vcpkg's own registry, vcpkg_from_github takes the place of
# this line, with the release's archive and its checksum.
get_filename_component(SOURCE_PATH "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)

vcpkg_cmake_configure(
    SOURCE_PATH "${SOURCE_PATH}"
    OPTIONS
        -DKURIER_BUILD_TESTS=OFF
        -DKURIER_BUILD_EXAMPLES=OFF
        -DKURIER_BUILD_BENCH=OFF
        -DKURIER_INSTALL=ON
        -DKURIER_INSTALL_CMAKEDIR=share/kurier)
vcpkg_cmake_install()
vcpkg_cmake_config_fixup()
vcpkg_fixup_pkgconfig()

vcpkg_install_copyright(FILE_LIST "${SOURCE_PATH}/LICENSE")
file(INSTALL "${CMAKE_CURRENT_LIST_DIR}/usage" DESTINATION "${CURRENT_PACKAGES_DIR}/share/${PORT}")
