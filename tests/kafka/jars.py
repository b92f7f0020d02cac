"""Apache Kafka's jars out of Maven Central, by coordinates, into a cache folder: home()/lib/VERSION/*.jar."""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

NEWEST = "4.3.1"                                    # the newest version whose tools are on Maven Central too
VERSIONS = ["2.1.1", "2.8.2", "3.9.2", NEWEST, "4.4.0"]


class Unavailable(Exception):
    """Something outside the project is missing: what needs it is skipped, by name and with this reason."""


def home():
    folder = os.environ.get("KURIER_KAFKA_HOME")
    if folder:
        return pathlib.Path(folder)
    return pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "kurier-kafka"


def number(version):
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])


def coordinates(version):
    n = number(version)
    found = [("org.apache.kafka", "kafka_2.13" if n >= (2, 4) else "kafka_2.12", version)]
    if n >= (4, 0):
        found.append(("org.apache.logging.log4j", "log4j-slf4j-impl", "2.25.4"))
    else:
        found.append(("org.slf4j", "slf4j-reload4j" if n >= (3, 0) else "slf4j-log4j12", "1.7.36"))
    if n <= number(NEWEST):
        found.append(("org.apache.kafka", "kafka-tools", version))
    else:                                           # the broker's pom asks for one of its own version, not published
        found.append(("org.apache.kafka", "kafka-tools-api", NEWEST))
    if n < (2, 4):                                  # ZooKeeper 3.4 parses addresses as Java 13 and older print them
        found.append(("org.apache.zookeeper", "zookeeper", "3.5.9"))
    return found


# The tools bring Kafka Connect with two web servers for one command that is not used here
UNUSED = [("org.apache.kafka", "connect-runtime"), ("org.apache.kafka", "connect-api"),
          ("org.apache.kafka", "connect-json"), ("org.apache.kafka", "connect-transforms"),
          ("org.glassfish.jersey.containers", "*"), ("org.eclipse.jetty", "*"), ("io.swagger.core.v3", "*")]


def pom(version):
    exclusions = "".join(f"<exclusion><groupId>{group}</groupId><artifactId>{name}</artifactId></exclusion>"
                         for group, name in UNUSED)
    dependencies = "".join(
        f"<dependency><groupId>{group}</groupId><artifactId>{name}</artifactId><version>{release}</version>"
        f"<exclusions>{exclusions}</exclusions></dependency>\n" for group, name, release in coordinates(version))
    return ("<project><modelVersion>4.0.0</modelVersion><groupId>kurier</groupId><artifactId>kafka</artifactId>"
            f"<version>1</version><dependencies>\n{dependencies}</dependencies></project>\n")


def resolve(version=NEWEST):
    """The folder with the jars of a version; fetched once. Raises Unavailable when that cannot be done."""
    folder = home() / "lib" / version
    if (folder / ".complete").exists():
        return folder
    if not shutil.which("mvn"):
        raise Unavailable(f"Kafka {version}: no `mvn` to fetch it with (Debian: maven)")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".fetching-") as scratch:
        scratch = pathlib.Path(scratch)
        (scratch / "pom.xml").write_text(pom(version))
        jars = scratch / "jars"
        result = subprocess.run(
            ["mvn", "-q", "-B", "-f", scratch / "pom.xml",
             "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies",
             "-DincludeScope=runtime", f"-DoutputDirectory={jars}"],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if result.returncode:
            raise Unavailable(f"Kafka {version}: Maven could not fetch it: {result.stdout.strip()[-1500:]}")
        (jars / ".complete").touch()
        try:
            jars.rename(folder)
        except OSError:                             # another run was faster, or an interrupted one left a part
            if not (folder / ".complete").exists():
                shutil.rmtree(folder)
                jars.rename(folder)
    return folder


def class_path(version=NEWEST):
    return f"{resolve(version)}/*"


if __name__ == "__main__":
    for wanted in sys.argv[1:] or [NEWEST]:
        found = list(resolve(wanted).glob("*.jar"))
        print(f"{wanted}: {len(found)} jars, {sum(jar.stat().st_size for jar in found) / 1e6:.1f} MB")
