"""Stands for a package of ConanCenter in the tests' index: the library is the system's, the names are ConanCenter's."""

from conan import ConanFile

# package: its component ("" if it has none), CMake package, CMake target, library
PACKAGES = {
    "boost": ("headers", "Boost", "Boost::headers", ""),
    "zlib": ("", "ZLIB", "ZLIB::ZLIB", "z"),
    "snappy": ("snappylib", "Snappy", "Snappy::snappy", "snappy"),
    "lz4": ("", "lz4", "lz4::lz4", "lz4"),
    "zstd": ("zstdlib", "zstd", "zstd::libzstd", "zstd"),
    "openssl": ("ssl crypto", "OpenSSL", "OpenSSL::SSL OpenSSL::Crypto", "ssl crypto"),
}


class SystemPackage(ConanFile):
    name = "NAME"
    settings = "os", "arch", "compiler", "build_type"

    def package_info(self):
        components, file, targets, libraries = PACKAGES[self.name]
        self.cpp_info.set_property("cmake_file_name", file)
        self.cpp_info.includedirs = self.cpp_info.libdirs = self.cpp_info.bindirs = []
        for component, target, library in zip(components.split() or [""], targets.split(), libraries.split() or [""]):
            info = self.cpp_info.components[component] if component else self.cpp_info
            info.set_property("cmake_target_name", target)
            info.system_libs = [library] if library else []
            info.includedirs = info.libdirs = info.bindirs = []

