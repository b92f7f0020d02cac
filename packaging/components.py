"""The table of components in cmake/kurier-components.cmake, for what is made from it here."""

import pathlib
import re
from typing import NamedTuple

ROOT = pathlib.Path(__file__).resolve().parents[1]


class Component(NamedTuple):
    name: str
    headers: list  # below include/
    debian: str
    vcpkg: str
    conan: str  # name/[versions]
    conan_component: str
    pkg_config: str

    @property
    def has_library(self):
        return bool(self.conan)


def components():
    text = (ROOT / "cmake/kurier-components.cmake").read_text()
    table = re.search(r"set\(KURIER_COMPONENT_TABLE\n(.*?)\)\n", text, re.S)[1]
    return [one(line) for line in re.findall(r'"(.*)"', table)]


def one(line):
    name, headers, debian, vcpkg, conan, pkg_config = [field.strip() for field in line.split("|")][:6]
    package, _, component = conan.rpartition(" ")
    return Component(name, ["kurier/" + header for header in headers.split()], debian, vcpkg, package, component, pkg_config)


def version():
    return re.search(r'KURIER_VERSION_STRING "(.*)"', (ROOT / "include/kurier/version.hpp").read_text())[1]
