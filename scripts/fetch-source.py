"""fetch-source.py NAME VERSION SHA256 FOLDER: downloads a source archive and checks it.

`pip download` builds the metadata of a source archive, which installs and runs a build system that is not wanted
here. This asks pip for the archive's address, with pip's own settings, and stops there.
"""

import hashlib
import os
import sys

from pip._internal.commands.download import DownloadCommand


def main(name, version, sha256, folder):
    command = DownloadCommand("download", "")
    options, _ = command.parse_args(["--no-binary", name, name + "==" + version])
    archive = "%s-%s.tar.gz" % (name, version)
    with command.main_context():
        session = command.get_default_session(options)
        finder = command._build_package_finder(options, session)
        links = [one.link for one in finder.find_all_candidates(name) if one.link.filename == archive]
        if not links:
            sys.exit("no index that pip is set up with has %s" % archive)
        if links[0].is_file:
            with open(links[0].file_path, "rb") as file:
                content = file.read()
        else:
            answer = session.get(links[0].url_without_fragment, headers={"Accept-Encoding": "identity"})
            answer.raise_for_status()
            content = answer.content
    if hashlib.sha256(content).hexdigest() != sha256:
        sys.exit("%s: DO NOT MATCH THE HASHES" % archive)
    with open(os.path.join(folder, archive), "wb") as file:
        file.write(content)


main(*sys.argv[1:])
