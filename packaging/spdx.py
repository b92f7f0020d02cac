"""The files of an archive as an SPDX 2.3 document: python3 spdx.py ARCHIVE VERSION UNIX_TIME"""

import datetime
import hashlib
import json
import sys
import tarfile


def files(archive):
    with tarfile.open(archive) as tar:
        for member in sorted(tar.getmembers(), key=lambda member: member.name):
            if member.isfile():
                data = tar.extractfile(member).read()
                yield member.name.split("/", 1)[1], hashlib.sha1(data).hexdigest(), hashlib.sha256(data).hexdigest()


def document(archive, version, time):
    with open(archive, "rb") as file:
        whole = hashlib.sha256(file.read()).hexdigest()
    found = list(files(archive))
    # as the specification's "package verification code" says
    code = hashlib.sha1("".join(sorted(sha1 for _, sha1, _ in found)).encode()).hexdigest()
    licence = {"licenseConcluded": "BSL-1.0", "copyrightText": "NOASSERTION"}
    package = {"SPDXID": "SPDXRef-kurier", "name": "kurier", "versionInfo": version, "downloadLocation": "NOASSERTION",
               "filesAnalyzed": True, "packageVerificationCode": {"packageVerificationCodeValue": code},
               "checksums": [{"algorithm": "SHA256", "checksumValue": whole}], "licenseDeclared": "BSL-1.0",
               "licenseInfoFromFiles": ["BSL-1.0"], **licence}
    return {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": f"kurier-{version}",
        "documentNamespace": f"https://spdx.org/spdxdocs/kurier-{version}-{whole[:32]}",
        "creationInfo": {"created": datetime.datetime.fromtimestamp(int(time), datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
                         "creators": ["Tool: packaging/release"]},
        "packages": [package],
        "files": [{"SPDXID": f"SPDXRef-file-{number}", "fileName": f"./{name}", "licenseInfoInFiles": ["BSL-1.0"],
                   "checksums": [{"algorithm": "SHA1", "checksumValue": sha1}, {"algorithm": "SHA256", "checksumValue": sha256}],
                   **licence} for number, (name, sha1, sha256) in enumerate(found)],
        "relationships": [{"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES",
                           "relatedSpdxElement": "SPDXRef-kurier"}] +
                         [{"spdxElementId": "SPDXRef-kurier", "relationshipType": "CONTAINS",
                           "relatedSpdxElement": f"SPDXRef-file-{number}"} for number in range(len(found))],
    }


print(json.dumps(document(*sys.argv[1:]), indent=1))
