#!/usr/bin/env python3
"""What repeats the table of components, or the names of the public API.

    python3 packaging/generated.py            fails when one is not as the table says
    python3 packaging/generated.py --write    writes them"""

import json
import pathlib
import re
import runpy
import sys

from components import ROOT, components, version


def conan_recipe(text):
    rows = "".join(f'    "{c.name}": ("{c.conan}", "{c.conan_component}"),\n' for c in components() if c.has_library)
    return re.sub(r"(COMPONENTS = \{\n).*?(\}\n)", lambda found: found[1] + rows + found[2], text, flags=re.S)


def conan_versions(text):
    return re.sub(r'"[\d.]+":', f'"{version()}":', text)


def vcpkg_manifest(text):
    manifest = json.loads(text)
    manifest["version"] = version()
    manifest["features"] = {c.name: {"description": f"kurier::{c.name}", "dependencies": [c.vcpkg]}
                            for c in sorted(components()) if c.has_library}
    return json.dumps(manifest, indent=2) + "\n"


def module(text):
    headers, names = runpy.run_path(str(ROOT / "packaging/api"))["exported"]()
    text = re.sub(r"(module;\n\n).*?(\n\nexport module)",
                  lambda found: found[1] + "\n".join(f"#include <{name}>" for name in headers) + found[2], text, flags=re.S)
    return re.sub(r"(export namespace kurier \{\n).*?(\n\} // namespace kurier)",
                  lambda found: found[1] + "\n".join(f"using kurier::{name};" for name in names) + found[2], text, flags=re.S)


GENERATED = {
    "cmake/kurier.cppm": module,
    "packaging/conan/all/conanfile.py": conan_recipe,
    "packaging/conan/config.yml": conan_versions,
    "packaging/vcpkg/kurier/vcpkg.json": vcpkg_manifest,
}


def main():
    stale = []
    for name, generate in GENERATED.items():
        path = pathlib.Path(ROOT / name)
        before = path.read_text()
        after = generate(before)
        if after != before:
            stale.append(name)
            if "--write" in sys.argv:
                path.write_text(after)
    if stale and "--write" not in sys.argv:
        sys.exit(f"python3 packaging/generated.py --write must renew {', '.join(stale)}")


if __name__ == "__main__":
    main()
