"""The recipe for `conan create .`: that of packaging/conan, with this tree as its source."""

import importlib.util
import pathlib
import re

from conan.tools.layout import basic_layout


def the_recipe():
    here = pathlib.Path(__file__).resolve().parent
    spec = importlib.util.spec_from_file_location("kurier_recipe", here / "packaging/conan/all/conanfile.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.KurierConan


class Kurier(the_recipe()):
    test_package_folder = "packaging/conan/all/test_package"
    exports = "packaging/conan/all/conanfile.py"
    exports_sources = "include/*", "cmake/kurier-*", "LICENSE"

    def set_version(self):
        text = (pathlib.Path(self.recipe_folder) / "include/kurier/version.hpp").read_text()
        self.version = re.search(r'KURIER_VERSION_STRING "(.*)"', text)[1]

    def layout(self):
        basic_layout(self)

    def source(self):
        pass
