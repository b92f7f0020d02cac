"""The port's manifest is one that vcpkg takes, as its reference of vcpkg.json says: python3 manifest.py vcpkg.json"""

import json
import re
import sys

IDENTIFIER = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def dependency(given):
    name = given if isinstance(given, str) else given["name"]
    assert IDENTIFIER.fullmatch(name), f"{name} is no name of a port"
    assert isinstance(given, str) or set(given) <= {"name", "host", "features", "platform", "default-features"}, given


def main():
    manifest = json.load(open(sys.argv[1]))
    assert set(manifest) == {"name", "version", "description", "homepage", "license", "dependencies", "features"}
    assert IDENTIFIER.fullmatch(manifest["name"])
    assert re.fullmatch(r"\d+(\.\d+)*", manifest["version"])
    assert re.fullmatch(r"https://\S+", manifest["homepage"])
    assert manifest["license"] == "BSL-1.0"
    for given in manifest["dependencies"]:
        dependency(given)
    for name, feature in manifest["features"].items():
        assert IDENTIFIER.fullmatch(name) and name not in ("core", "default"), f"{name} is no name of a feature"
        assert set(feature) == {"description", "dependencies"} and feature["description"]
        for given in feature["dependencies"]:
            dependency(given)


main()
