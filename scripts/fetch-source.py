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
        digest = hashlib.sha256()
        target = os.path.join(folder, archive)
        with open(target, "wb") as file:
            for piece in pieces(session, links[0]):
                digest.update(piece)
                file.write(piece)
    if digest.hexdigest() != sha256:
        os.remove(target)
        sys.exit("%s: DO NOT MATCH THE HASHES" % archive)


def pieces(session, link):
    if link.is_file:
        with open(link.file_path, "rb") as file:
            while piece := file.read(1 << 20):
                yield piece
        return
    answer = session.get(link.url_without_fragment, headers={"Accept-Encoding": "identity"}, stream=True)
    answer.raise_for_status()
    yield from answer.iter_content(1 << 20)


main(*sys.argv[1:])
