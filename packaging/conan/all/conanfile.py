import os

from conan import ConanFile
from conan.errors import ConanInvalidConfiguration
from conan.tools.build import check_min_cppstd
from conan.tools.files import copy, get, save
from conan.tools.layout import basic_layout

required_conan_version = ">=2.0"

# Each an option: the package that it needs, and the component of that
COMPONENTS = {
    "gzip": ("zlib/[>=1.2.11 <2]", "zlib::zlib"),
    "snappy": ("snappy/[>=1.1.8 <2]", "snappy::snappylib"),
    "lz4": ("lz4/[>=1.9.3 <2]", "lz4::lz4"),
    "zstd": ("zstd/[>=1.4.5 <2]", "zstd::zstdlib"),
    "tls": ("openssl/[>=3.0 <4]", "openssl::ssl"),
    "sasl": ("openssl/[>=3.0 <4]", "openssl::crypto"),
    "oidc": ("openssl/[>=3.0 <4]", "openssl::ssl"),
}


class KurierConan(ConanFile):
    name = "kurier"
    description = "Header-only C++20 Kafka producer for Boost.Asio"
    license = "BSL-1.0"
    homepage = "https://kafka.apache.org/protocol"
    topics = ("kafka", "producer", "asio", "coroutines", "header-only")
    package_type = "header-library"
    settings = "os", "arch", "compiler", "build_type"
    options = {name: [True, False] for name in COMPONENTS}
    default_options = {name: False for name in COMPONENTS}
    no_copy_source = True

    def layout(self):
        basic_layout(self, src_folder="src")

    def chosen(self):
        return [name for name in COMPONENTS if self.options.get_safe(name)]

    def requirements(self):
        self.requires("boost/[>=1.81.0 <2]", transitive_headers=True)
        for package in sorted({COMPONENTS[name][0] for name in self.chosen()}):
            self.requires(package, transitive_headers=True, transitive_libs=True)

    def package_id(self):
        self.info.clear()

    def validate(self):
        check_min_cppstd(self, 20)
        oldest = {"gcc": "12", "clang": "16", "apple-clang": "15"}.get(str(self.settings.compiler))
        if oldest and int(str(self.settings.compiler.version).split(".")[0]) < int(oldest):
            raise ConanInvalidConfiguration(f"kurier needs {self.settings.compiler} {oldest} or newer, for C++20 coroutines")

    def source(self):
        get(self, **self.conan_data["sources"][self.version], strip_root=True)

    def package(self):
        copy(self, "LICENSE", self.source_folder, os.path.join(self.package_folder, "licenses"))
        copy(self, "*.[hi]pp", os.path.join(self.source_folder, "include"), os.path.join(self.package_folder, "include"))
        # kurier::compiled is built by its user, so it comes as source
        scripts = os.path.join(self.package_folder, "lib", "cmake", "kurier")
        for file in ("kurier-components.cmake", "kurier-compiled.cpp", "kurier-testing-compiled.cpp"):
            copy(self, file, os.path.join(self.source_folder, "cmake"), scripts)
        save(self, os.path.join(scripts, "kurier-compiled-targets.cmake"),
             "include(${CMAKE_CURRENT_LIST_DIR}/kurier-components.cmake)\n"
             "kurier_add_components(compiled testing_compiled)\n")

    def package_info(self):
        self.cpp_info.set_property("cmake_file_name", "kurier")
        self.cpp_info.set_property("cmake_build_modules",
                                   [os.path.join("lib", "cmake", "kurier", "kurier-compiled-targets.cmake")])
        self.cpp_info.bindirs = self.cpp_info.libdirs = []
        headers = self.component("kurier", ["boost::headers"])
        headers.set_property("pkg_config_name", "kurier")
        if self.settings.os in ("Linux", "FreeBSD"):
            headers.system_libs = ["pthread"]
        self.component("testing", ["kurier"])
        for name in self.chosen():
            self.component(name, ["kurier", COMPONENTS[name][1]])

    def component(self, name, requires):
        made = self.cpp_info.components[name]
        made.set_property("cmake_target_name", f"kurier::{name}")
        made.requires = requires
        made.bindirs = made.libdirs = []
        if name != "kurier":
            made.includedirs = []
        return made
